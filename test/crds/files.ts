import path from "node:path";
import { stringify } from "yaml";
import { customResourceDefinitions } from "../../operator/resources/crd.ts";

export const CRDS_FOLDER = path.resolve(import.meta.dirname, "../../crds");

/** The files of `crds/`, as text. */
export const crdFiles = (): { file: string; text: string }[] =>
  customResourceDefinitions().map(({ file, definition }) => ({
    file,
    text:
      "# Made by `make crds` out of operator/resources/; not to be edited.\n" +
      stringify(definition, { lineWidth: 120, aliasDuplicateObjects: false }),
  }));
