import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import path from "node:path";
import type { TarEntry } from "./tar.ts";

/** The platform of an image, in npm's words. */
export interface Platform {
  readonly os: string;
  readonly cpu: string;
  readonly libc: string;
}

/** One package of package-lock.json, as far as it matters here. */
interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

const fits = (allowed: readonly string[] | undefined, value: string): boolean =>
  allowed === undefined || allowed.includes(value);

/**
 * Folders of the packages that run in production on `platform`, as package-lock.json has them. Packages of types only
 * are left out: nothing imports them at run time.
 * @throws Error if one that is needed is not installed under `root`.
 */
export function productionPackages(root: string, platform: Platform): string[] {
  const lock = JSON.parse(readFileSync(path.join(root, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  return Object.entries(lock.packages)
    .filter(([folder, locked]) => {
      if (folder === "" || locked.dev === true || folder.includes("node_modules/@types/")) return false;
      if (!fits(locked.os, platform.os) || !fits(locked.cpu, platform.cpu)) return false;
      if (!fits(locked.libc, platform.libc)) return false;
      if (existsSync(path.join(root, folder, "package.json"))) return true;
      if (locked.optional === true || locked.devOptional === true) return false;
      throw new Error(`${folder} is needed in production and not installed: run make setup`);
    })
    .map(([folder]) => folder)
    .sort();
}

/** What a package carries for those who read or compile it: no run needs it. Licences stay. */
const isForReaders = (name: string): boolean =>
  /\.(?:ts|mts|cts|map|md|markdown|tsbuildinfo|flow|coffee)$/i.test(name) && !/^licen[cs]e/i.test(name);

const isOurs = (name: string): boolean => name.endsWith(".ts") && !name.endsWith(".test.ts");

/** Folders of ours that only tests and checkouts use. */
const isForTests = (folder: string): boolean => ["testing", "stand-ins", "scenarios"].includes(path.basename(folder));

function filesUnder(
  root: string,
  folder: string,
  keeps: { file(name: string): boolean; folder(name: string): boolean },
) {
  const found: string[] = [];
  const visit = (at: string): void => {
    for (const entry of readdirSync(path.join(root, at), { withFileTypes: true })) {
      const name = path.posix.join(at, entry.name);
      if (entry.isDirectory() && keeps.folder(name)) visit(name);
      if (entry.isFile() && keeps.file(entry.name)) found.push(name);
    }
  };
  visit(folder);
  return found;
}

function entryOf(root: string, file: string): TarEntry {
  const isRun = (statSync(path.join(root, file)).mode & 0o100) !== 0;
  const content = readFileSync(path.join(root, file));
  return { path: `app/${file}`, kind: "file", mode: isRun ? 0o755 : 0o644, content };
}

/** The dependencies, below `app/`. */
export function packageEntries(root: string, platform: Platform): TarEntry[] {
  return productionPackages(root, platform).flatMap((folder) =>
    filesUnder(root, folder, {
      file: (name) => !isForReaders(name),
      // A package inside a package stands in the lock file itself.
      folder: (name) => path.posix.basename(name) !== "node_modules",
    }).map((file) => entryOf(root, file)),
  );
}

/** Broker and operator, below `app/`: what runs, and nothing that tests it. */
export function applicationEntries(root: string): TarEntry[] {
  const keeps = { file: isOurs, folder: (name: string) => !isForTests(name) };
  const files = ["broker", "operator"].flatMap((folder) => filesUnder(root, folder, keeps));
  return [...files, "package.json", "LICENSE"].map((file) => entryOf(root, file));
}
