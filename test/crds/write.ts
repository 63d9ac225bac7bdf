import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { CRDS_FOLDER, crdFiles } from "./files.ts";

/** `make crds`: writes the CustomResourceDefinitions that the schemas of operator/resources/ make. */
mkdirSync(CRDS_FOLDER, { recursive: true });
for (const { file, text } of crdFiles()) writeFileSync(path.join(CRDS_FOLDER, file), text);
