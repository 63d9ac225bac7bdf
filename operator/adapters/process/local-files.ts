import {
  closeSync,
  createReadStream,
  existsSync,
  copyFileSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import { isTidemarkError, TidemarkError } from "#base/errors.ts";

const codeOf = (error: unknown): string => (Error.isError(error) ? ((error as NodeJS.ErrnoException).code ?? "") : "");

/** The system's codes in words; Node's own message repeats the path and names the call. */
const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied; give another folder or its rights",
  EPERM: "permission denied; give another folder or its rights",
  EEXIST: "there is a file of that name; give another folder",
  ENOTDIR: "a part of the path is a file, no folder; give another path",
  EISDIR: "is a folder, not a file",
  ENOENT: "cannot be made here; give another folder",
  EROFS: "the disk is read-only; give another folder",
  ENAMETOOLONG: "the path is too long; give a shorter one",
};

function failed(file: string, error: unknown): TidemarkError {
  const code = codeOf(error);
  if (code === "ENOSPC")
    return new TidemarkError("DISK_FULL", `${file}: the disk is full; make room`, { cause: error });
  const why = reasons[code] ?? (Error.isError(error) ? error.message : String(error));
  return new TidemarkError("DISK_FAILED", `${file}: ${why}`, { cause: error });
}

/** Makes `folder` and those above it. */
export function makeFolder(folder: string): void {
  const above = path.dirname(folder);
  try {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
    // One by one: Node's own recursion never ends where the system answers "no such file" to mkdir, as in /proc.
    if (above !== folder && !existsSync(above)) makeFolder(above);
    mkdirSync(folder);
  } catch (error) {
    throw isTidemarkError(error) ? error : failed(folder, error);
  }
}

/** Text of a file; null when there is none. */
export function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw failed(file, error);
  }
}

/**
 * A file, or a pipe, to be read from its beginning.
 * @returns sizeBytes null of what has no size of its own.
 * @throws TidemarkError BAD_INPUT when there is none, or it is a folder.
 */
export function openToRead(file: string): { readonly stream: Readable; readonly sizeBytes: number | null } {
  try {
    const found = statSync(file);
    if (found.isDirectory()) throw new TidemarkError("BAD_INPUT", `${file}: is a folder, not a file`);
    const descriptor = openSync(file, "r");
    return { stream: createReadStream(file, { fd: descriptor }), sizeBytes: found.isFile() ? found.size : null };
  } catch (error) {
    if (codeOf(error) === "ENOENT") throw new TidemarkError("BAD_INPUT", `${file}: no such file`);
    throw isTidemarkError(error) ? error : failed(file, error);
  }
}

/** Writes a new file. @throws TidemarkError BAD_INPUT when there is one of that name: nothing is overwritten. */
export function writeNewText(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    if (codeOf(error) === "EEXIST")
      throw new TidemarkError("BAD_INPUT", `${file}: is there already; give another name`);
    if (codeOf(error) === "ENOENT") throw new TidemarkError("BAD_INPUT", `${file}: no such folder`);
    throw failed(file, error);
  }
}

/**
 * Replaces a small file of JSON: readers see the old or the new content, never half of one. With `survivesPowerCut`
 * the disk has it before this returns.
 */
export function writeJson(file: string, value: unknown, options: { survivesPowerCut: boolean }): void {
  const temporary = `${file}.tmp`;
  try {
    const handle = openSync(temporary, "w");
    try {
      writeSync(handle, `${JSON.stringify(value)}\n`);
      if (options.survivesPowerCut) fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    throw failed(file, error);
  }
}

/** Makes a file that nobody else may read, unless there is one. The disk has it before this returns. */
export function makeSecretFile(file: string, text: string): void {
  if (existsSync(file)) return;
  const temporary = `${file}.tmp`;
  try {
    rmSync(temporary, { force: true });
    const handle = openSync(temporary, "wx", 0o600);
    try {
      writeSync(handle, `${text}\n`);
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(temporary, file);
  } catch (error) {
    throw failed(file, error);
  }
}

/** Removes a file, if it is there. */
export function removeFile(file: string): void {
  rmSync(file, { force: true });
}

/** Bytes that an ordinary user may still write on the disk of `folder`. */
export function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder);
  return bavail * bsize;
}

/**
 * Keeps a log that its process appends to under `bytesMax`: the content moves to `PATH.1`, the file starts anew.
 * Lines that come between the copy and the cut are lost.
 */
export function boundLog(file: string, bytesMax: number): void {
  try {
    if (statSync(file).size <= bytesMax) return;
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw failed(file, error);
  }
}

/** The last lines of a file, at most 16 KiB of them; empty when there is none. */
export function lastLines(file: string, from = 0): string[] {
  try {
    const sizeBytes = statSync(file).size;
    const start = Math.max(from, sizeBytes - 16_384);
    const buffer = Buffer.alloc(Math.max(0, sizeBytes - start));
    const handle = openSync(file, "r");
    try {
      readSync(handle, buffer, 0, buffer.length, start);
    } finally {
      closeSync(handle);
    }
    return buffer
      .toString("utf8")
      .split("\n")
      .filter((line) => line !== "");
  } catch {
    return [];
  }
}

/** Length of a file in bytes; 0 when there is none. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}
