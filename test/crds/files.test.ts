import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { CRDS_FOLDER, crdFiles, madeFiles } from "./files.ts";

test("crds/ and docs/resources.md are what `make crds` writes", () => {
  for (const file of madeFiles()) expect(readFileSync(file.path, "utf8")).toBe(file.text);
});

test("crds/ has nothing else in it", () => {
  const made = crdFiles().map((file) => path.basename(file.path));
  expect(readdirSync(CRDS_FOLDER).sort()).toEqual(made.sort());
});
