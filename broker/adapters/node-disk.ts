import {
  close,
  constants,
  fdatasync,
  fstat,
  ftruncate,
  open as openFile,
  read,
  writeSync,
  writev,
  writevSync,
} from "node:fs";
import { mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { isTidemarkError, TidemarkError } from "../base/errors.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";
import { lockFolder } from "./folder-lock.ts";

const opening = promisify(openFile);
const stating = promisify(fstat);
const truncating = promisify(ftruncate);
const closing = promisify(close);
const syncing = promisify(fdatasync);

/** What `writev` takes at once on every system. */
const WRITE_PARTS_MAX = 1024;
/**
 * A write in the calling thread costs a copy into the page cache; through the pool of threads it costs several times as
 * much in waking and switching (docs/adr/0006). But a kernel that throttles writers makes the event loop stand still:
 * after a write this slow, the pool is used for a while.
 */
const SLOW_WRITE_MS = 5;
const SLOW_PERIOD_MS = 1000;

/** A folder of this machine that belongs to this process alone. */
export interface OwnedFolder {
  readonly disk: Disk;
  release(): Promise<void>;
}

/** Locks `path`, made when missing. Throws TidemarkError FOLDER_IN_USE, DISK_FULL or DISK_FAILED. */
export async function openFolder(path: string): Promise<OwnedFolder> {
  const lock = await failing(`${path} cannot be used`, lockFolder(path));
  return { disk: new NodeDisk(path), release: () => lock.release() };
}

/** The machine's file system below one folder. */
export class NodeDisk implements Disk {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async open(path: string, options: { create?: boolean } = {}): Promise<DiskFile | null> {
    const full = join(this.#root, path);
    const flags = constants.O_RDWR | (options.create === true ? constants.O_CREAT : 0);
    const descriptor = await unlessMissing(path, opening(full, flags, 0o644));
    if (descriptor === null) return null;
    const { size } = await failing(path, stating(descriptor));
    return new NodeFile(descriptor, { path: full, sizeBytes: size });
  }

  readFile(path: string): Promise<Uint8Array | null> {
    return unlessMissing(path, readFile(join(this.#root, path)));
  }

  async list(path: string): Promise<string[]> {
    const names = await unlessMissing(path, readdir(join(this.#root, path)));
    return (names ?? []).sort();
  }

  async makeFolder(path: string): Promise<void> {
    await failing(path, mkdir(join(this.#root, path), { recursive: true }));
  }

  async rename(from: string, to: string): Promise<void> {
    await failing(from, rename(join(this.#root, from), join(this.#root, to)));
  }

  async remove(path: string): Promise<void> {
    await failing(path, rm(join(this.#root, path), { recursive: true, force: true }));
  }

  async syncFolder(path: string): Promise<void> {
    const descriptor = await failing(path, opening(join(this.#root, path), constants.O_RDONLY));
    try {
      await failing(path, syncing(descriptor));
    } finally {
      await closing(descriptor);
    }
  }
}

let slowUntilMs = 0;

class NodeFile implements DiskFile {
  readonly #descriptor: number;
  readonly #path: string;
  #sizeBytes: number;

  constructor(descriptor: number, { path, sizeBytes }: { path: string; sizeBytes: number }) {
    this.#descriptor = descriptor;
    this.#path = path;
    this.#sizeBytes = sizeBytes;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const count = await this.#readSome(target, { filled, position: position + filled });
      if (count === 0) break;
      filled += count;
    }
    return filled;
  }

  #readSome(target: Uint8Array, at: { filled: number; position: number }): Promise<number> {
    return new Promise((resolve, reject) => {
      read(this.#descriptor, target, at.filled, target.length - at.filled, at.position, (error, count) =>
        error === null ? resolve(count) : reject(failure(this.#path, error)),
      );
    });
  }

  writeNow(chunks: readonly Uint8Array[], position: number): boolean {
    const startedAtMs = performance.now();
    if (startedAtMs < slowUntilMs || chunks.length > WRITE_PARTS_MAX) return false;
    let rest = chunks;
    let at = position;
    while (rest.length > 0) {
      const count = this.#writeSomeNow(rest, at);
      at += count;
      rest = without(rest, count);
    }
    if (at > this.#sizeBytes) this.#sizeBytes = at;
    const endedAtMs = performance.now();
    if (endedAtMs - startedAtMs > SLOW_WRITE_MS) slowUntilMs = endedAtMs + SLOW_PERIOD_MS;
    return true;
  }

  #writeSomeNow(chunks: readonly Uint8Array[], position: number): number {
    try {
      const [first] = chunks;
      if (first === undefined || chunks.length > 1) return writevSync(this.#descriptor, chunks, position);
      return writeSync(this.#descriptor, first, 0, first.length, position);
    } catch (error) {
      throw failure(this.#path, error as NodeJS.ErrnoException);
    }
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    let at = position;
    if (chunks.length <= WRITE_PARTS_MAX) at = await this.#writeAll(chunks, at);
    else {
      for (let from = 0; from < chunks.length; from += WRITE_PARTS_MAX) {
        at = await this.#writeAll(chunks.slice(from, from + WRITE_PARTS_MAX), at);
      }
    }
    if (at > this.#sizeBytes) this.#sizeBytes = at;
  }

  /** A `writev` may write less than asked for, as when the disk fills up: the rest is tried again. */
  async #writeAll(chunks: readonly Uint8Array[], position: number): Promise<number> {
    let rest = chunks.every((chunk) => chunk.length > 0) ? chunks : chunks.filter((chunk) => chunk.length > 0);
    let at = position;
    while (rest.length > 0) {
      const count = await this.#writeSome(rest, at);
      at += count;
      rest = without(rest, count);
    }
    return at;
  }

  #writeSome(chunks: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      writev(this.#descriptor, chunks, position, (error, count) => {
        if (error !== null) reject(failure(this.#path, error));
        else if (count === 0) reject(new TidemarkError("DISK_FAILED", `${this.#path} takes no bytes`));
        else resolve(count);
      });
    });
  }

  async sync(): Promise<void> {
    await failing(this.#path, syncing(this.#descriptor));
  }

  async truncate(sizeBytes: number): Promise<void> {
    await failing(this.#path, truncating(this.#descriptor, sizeBytes));
    this.#sizeBytes = sizeBytes;
  }

  async close(): Promise<void> {
    await failing(this.#path, closing(this.#descriptor));
  }
}

/** `chunks` after their first `count` bytes. */
function without(chunks: readonly Uint8Array[], count: number): readonly Uint8Array[] {
  let skipped = 0;
  for (const [index, chunk] of chunks.entries()) {
    if (skipped + chunk.length > count) return [chunk.subarray(count - skipped), ...chunks.slice(index + 1)];
    skipped += chunk.length;
  }
  return [];
}

const FULL = new Set(["ENOSPC", "EDQUOT"]);

function failure(path: string, cause: NodeJS.ErrnoException): TidemarkError {
  if (FULL.has(cause.code ?? "")) return new TidemarkError("DISK_FULL", `the disk of ${path} is full`, { cause });
  return new TidemarkError("DISK_FAILED", `the disk of ${path} failed: ${cause.message}`, { cause });
}

async function failing<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw isTidemarkError(error) ? error : failure(path, error as NodeJS.ErrnoException);
  }
}

async function unlessMissing<T>(path: string, work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw failure(path, error as NodeJS.ErrnoException);
  }
}
