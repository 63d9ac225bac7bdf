/*
 * Writes the image's `/app` for a builder that brings Node of its own (the Dockerfile), each layer under a folder of
 * its own: `node charts/image/stage.ts FOLDER` makes FOLDER/packages/app and FOLDER/application/app.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { applicationEntries, packageEntries } from "./production-files.ts";

const folder = process.argv[2];
if (folder === undefined) {
  process.stderr.write("usage: node charts/image/stage.ts FOLDER\n");
  process.exit(1);
}
const root = path.resolve(import.meta.dirname, "..", "..");
const platform = { os: "linux", cpu: process.arch, libc: "glibc" };
const layers = { packages: packageEntries(root, platform), application: applicationEntries(root) };
for (const [layer, entries] of Object.entries(layers)) {
  for (const entry of entries) {
    const target = path.join(folder, layer, entry.path);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(target, entry.content ?? "", { mode: entry.mode });
  }
}
