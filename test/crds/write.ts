import { mkdirSync, writeFileSync } from "node:fs";
import { CRDS_FOLDER, madeFiles } from "./files.ts";

/** `make crds`: writes the CustomResourceDefinitions and their page in docs/. */
mkdirSync(CRDS_FOLDER, { recursive: true });
for (const { path, text } of madeFiles()) writeFileSync(path, text);
