import path from "node:path";
import { stringify } from "yaml";
import { customResourceDefinitions } from "../../operator/resources/crd.ts";
import { referencePage } from "./reference.ts";

const root = path.resolve(import.meta.dirname, "../..");
export const CRDS_FOLDER = path.join(root, "crds");

/** A file that the schemas of operator/resources/ make. */
export interface MadeFile {
  readonly path: string;
  readonly text: string;
}

/** The definitions in `crds/`, by kind. */
export const crdFiles = (): (MadeFile & { readonly kind: string })[] =>
  customResourceDefinitions().map(({ kind, file, definition }) => ({
    kind,
    path: path.join(CRDS_FOLDER, file),
    text:
      "# Made by `make crds` out of operator/resources/; not to be edited.\n" +
      stringify(definition, { lineWidth: 120, aliasDuplicateObjects: false }),
  }));

/** Everything that `make crds` writes. */
export const madeFiles = (): MadeFile[] => [
  ...crdFiles(),
  { path: path.join(root, "docs", "resources.md"), text: referencePage() },
];
