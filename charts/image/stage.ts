/*
 * Writes the image's `/app` under a folder, for a builder that brings Node of its own (the Dockerfile):
 * `node charts/image/stage.ts FOLDER`.
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
for (const entry of [...packageEntries(root, platform), ...applicationEntries(root)]) {
  const target = path.join(folder, entry.path);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, entry.content ?? "", { mode: entry.mode });
}
