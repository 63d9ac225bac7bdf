import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { CRDS_FOLDER, crdFiles } from "./files.ts";

test("crds/ is what `make crds` writes", () => {
  expect(readdirSync(CRDS_FOLDER).sort()).toEqual(
    crdFiles()
      .map(({ file }) => file)
      .sort(),
  );
  for (const { file, text } of crdFiles()) expect(readFileSync(path.join(CRDS_FOLDER, file), "utf8")).toBe(text);
});
