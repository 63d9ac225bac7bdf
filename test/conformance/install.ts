import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { oneLine } from "./cell.ts";
import { type Command, root, run } from "./program.ts";

/** A client's driver, ready to be run, and the client's version; or why this machine cannot have it. */
export type Installed =
  | { readonly ok: true; readonly command: Command; readonly version: string }
  | { readonly ok: false; readonly reason: string };

/** Fetching and building from nothing, on a machine with other work to do. */
const LIMIT_MS = 1_800_000;

/** Where the client's own files are. */
export const sourceOf = (name: string): string => path.join(root, "test", "conformance", "clients", name);

function keyOf(folder: string): string {
  const hash = createHash("sha256");
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    if (/\.[a-z]+$|lock$/.test(file)) hash.update(file).update(readFileSync(path.join(folder, file)));
  }
  return hash.digest("hex").slice(0, 12);
}

/**
 * A folder in `.cache/conformance/` with the files of `clients/NAME`, in which `steps` have been run in turn: made once
 * for each content of these files, and used only when all steps went well. Answers the reason when a step fails.
 */
export async function built(
  name: string,
  steps: (folder: string) => readonly (readonly [file: string, ...args: string[]])[],
): Promise<{ readonly ok: true; readonly folder: string } | { readonly ok: false; readonly reason: string }> {
  const folder = path.join(root, ".cache", "conformance", `${name}-${keyOf(sourceOf(name))}`);
  const mark = path.join(folder, ".built");
  if (existsSync(mark)) return { ok: true, folder };
  process.stdout.write(`        ${name}: fetched and built, once\n`);
  // Not built elsewhere and renamed: virtual environments hold their own path. What was broken off goes on from there.
  cpSync(sourceOf(name), folder, { recursive: true });
  for (const [file, ...args] of steps(folder)) {
    try {
      await run({ file, args: [], cwd: folder }, args, LIMIT_MS);
    } catch (error) {
      return { ok: false, reason: oneLine(String(error)) };
    }
  }
  writeFileSync(mark, "");
  return { ok: true, folder };
}
