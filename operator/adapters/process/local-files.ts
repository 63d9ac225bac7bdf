import {
  closeSync,
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
  writeSync,
} from "node:fs";
import { TidemarkError } from "#base/errors.ts";

const codeOf = (error: unknown): string => (Error.isError(error) ? ((error as NodeJS.ErrnoException).code ?? "") : "");

function failed(path: string, error: unknown): TidemarkError {
  const code = codeOf(error);
  if (code === "ENOSPC")
    return new TidemarkError("DISK_FULL", `${path}: the disk is full; make room`, { cause: error });
  const why = Error.isError(error) ? error.message : String(error);
  return new TidemarkError("DISK_FAILED", `${path}: ${why}`, { cause: error });
}

/** Makes `folder` and those above it. */
export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw failed(folder, error);
  }
}

/** Text of a file; null when there is none. */
export function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw failed(path, error);
  }
}

/**
 * Replaces a small file of JSON: readers see the old or the new content, never half of one. With `survivesPowerCut`
 * the disk has it before this returns.
 */
export function writeJson(path: string, value: unknown, options: { survivesPowerCut: boolean }): void {
  const temporary = `${path}.tmp`;
  try {
    const file = openSync(temporary, "w");
    try {
      writeSync(file, `${JSON.stringify(value)}\n`);
      if (options.survivesPowerCut) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    throw failed(path, error);
  }
}

/** Removes a file, if it is there. */
export function removeFile(path: string): void {
  rmSync(path, { force: true });
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
export function boundLog(path: string, bytesMax: number): void {
  try {
    if (statSync(path).size <= bytesMax) return;
    copyFileSync(path, `${path}.1`);
    truncateSync(path);
  } catch (error) {
    if (codeOf(error) !== "ENOENT") throw failed(path, error);
  }
}

/** The last lines of a file, at most 16 KiB of them; empty when there is none. */
export function lastLines(path: string, from = 0): string[] {
  try {
    const sizeBytes = statSync(path).size;
    const start = Math.max(from, sizeBytes - 16_384);
    const buffer = Buffer.alloc(Math.max(0, sizeBytes - start));
    const file = openSync(path, "r");
    try {
      readSync(file, buffer, 0, buffer.length, start);
    } finally {
      closeSync(file);
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
export function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
