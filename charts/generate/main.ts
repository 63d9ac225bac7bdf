/* Writes everything in the chart that comes from elsewhere: `node charts/generate/main.ts`. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { generatedFiles, leftovers } from "./generated.ts";

const root = path.resolve(import.meta.dirname, "..", "..");

function isSame(file: string, text: string): boolean {
  try {
    return readFileSync(file, "utf8") === text;
  } catch {
    // Not there yet.
    return false;
  }
}

const generated = generatedFiles(root);
const changed = generated.filter(({ path: name, text }) => !isSame(path.join(root, name), text));
for (const { path: name, text } of changed) {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), text);
}
const gone = leftovers(root, generated);
for (const name of gone) rmSync(path.join(root, name));
for (const name of [...changed.map((file) => file.path), ...gone]) process.stdout.write(`chart: ${name}\n`);
process.stdout.write(`chart: ${generated.length} generated files, ${changed.length + gone.length} changed\n`);
