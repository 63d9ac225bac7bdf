import { TidemarkError } from "../base/errors.ts";
import { MemoryPool } from "../base/memory-pool.ts";
import type { Disk, DiskFile } from "../ports/disk.ts";

const OPEN_FILES_MAX = 1024;
const TAIL_BYTES_MAX = 48 * 1024 * 1024;
const INDEX_BYTES_MAX = 16 * 1024 * 1024;
export const READ_BLOCK_BYTES = 1024 * 1024;
const READ_BLOCKS_KEPT = 4;

/** What all logs of a broker share, so that a thousand idle partitions hold neither files nor memory. */
export class SharedStorage {
  readonly disk: Disk;
  readonly files: OpenFiles;
  readonly tails: TailBudget;
  readonly indexes: IndexCache;
  /** For reads from segments; whoever sends what was read gives the block back (`writeAndGiveBack`). */
  readonly blocks = new MemoryPool(READ_BLOCK_BYTES, READ_BLOCKS_KEPT);

  constructor(disk: Disk, limits: { openFilesMax?: number; tailBytesMax?: number; indexBytesMax?: number } = {}) {
    this.disk = disk;
    this.files = new OpenFiles(disk, limits.openFilesMax ?? OPEN_FILES_MAX);
    this.tails = new TailBudget(limits.tailBytesMax ?? TAIL_BYTES_MAX);
    this.indexes = new IndexCache(limits.indexBytesMax ?? INDEX_BYTES_MAX);
  }

  /** Closes every file. Nobody may be using one. */
  async close(): Promise<void> {
    await this.files.closeAll();
  }
}

interface OpenFile {
  readonly path: string;
  readonly opening: Promise<DiskFile | null>;
  /** Set once opened. */
  file: DiskFile | null;
  users: number;
  /** Forgotten while in use: the last user closes it. */
  isForgotten: boolean;
}

/** Open files by path, the least recently used closed beyond `countMax`. */
export class OpenFiles {
  readonly #disk: Disk;
  readonly #countMax: number;
  /** In order of use, oldest first. */
  readonly #open = new Map<string, OpenFile>();

  constructor(disk: Disk, countMax: number) {
    this.#disk = disk;
    this.#countMax = countMax;
  }

  get count(): number {
    return this.#open.size;
  }

  /** Runs `work` on the file, opened if need be; `missing` when it is not there and not to be created. */
  async use<T>(
    path: string,
    options: { create: boolean },
    work: (file: DiskFile) => Promise<T>,
  ): Promise<T | typeof missing> {
    const entry = this.#acquire(path, options);
    try {
      const file = await entry.opening;
      entry.file = file;
      if (file === null) {
        if (this.#open.get(path) === entry) this.#open.delete(path);
        return missing;
      }
      return await work(file);
    } finally {
      await this.#release(entry);
    }
  }

  /** As `use`, of a file that must be there: if it is not, somebody else removed it. Throws DISK_FAILED. */
  async useExisting<T>(path: string, work: (file: DiskFile) => Promise<T>): Promise<T> {
    const result = await this.use(path, { create: false }, work);
    if (result === missing)
      throw new TidemarkError("DISK_FAILED", `${path} has gone; nobody else may change the folder`);
    return result;
  }

  /** The file if it is open: for work of this very turn. */
  held(path: string): DiskFile | null {
    const entry = this.#open.get(path);
    if (entry === undefined || entry.file === null) return null;
    this.#open.delete(path);
    this.#open.set(path, entry);
    return entry.file;
  }

  /** Closes the file, now or when its last user is done. Before a removal or renaming. */
  async forget(path: string): Promise<void> {
    const entry = this.#open.get(path);
    if (entry === undefined) return;
    this.#open.delete(path);
    entry.isForgotten = true;
    if (entry.users === 0) await close(entry);
  }

  async closeAll(): Promise<void> {
    for (const path of [...this.#open.keys()]) await this.forget(path);
  }

  #acquire(path: string, options: { create: boolean }): OpenFile {
    let entry = this.#open.get(path);
    if (entry === undefined) {
      entry = { path, opening: this.#disk.open(path, options), file: null, users: 0, isForgotten: false };
    } else {
      this.#open.delete(path);
    }
    this.#open.set(path, entry);
    entry.users++;
    return entry;
  }

  async #release(entry: OpenFile): Promise<void> {
    entry.users--;
    if (entry.isForgotten && entry.users === 0) await close(entry);
    if (this.#open.size > this.#countMax) await this.#evict();
  }

  async #evict(): Promise<void> {
    for (const entry of this.#open.values()) {
      if (this.#open.size <= this.#countMax) return;
      if (entry.users === 0) await this.forget(entry.path);
    }
  }
}

/** Answer of {@link OpenFiles.use} for a file that is not there. */
export const missing: unique symbol = Symbol("missing");

async function close(entry: OpenFile): Promise<void> {
  const file = await entry.opening.catch(() => null); // whoever opened it was told of the failure
  await file?.close();
}

/** Memory that can be given back: a stretch of a log's tail. */
export interface Droppable {
  readonly capacityBytes: number;
  /** Gives the memory back; false when it is still needed (its write has not returned). */
  drop(): boolean;
}

/** Bounds what the tails of all logs hold together; the oldest stretch goes first. */
export class TailBudget {
  readonly #bytesMax: number;
  readonly #held = new Set<Droppable>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get heldBytes(): number {
    return this.#bytes;
  }

  hold(stretch: Droppable): void {
    this.#held.add(stretch);
    this.#bytes += stretch.capacityBytes;
    if (this.#bytes > this.#bytesMax) this.#trim();
  }

  release(stretch: Droppable): void {
    if (this.#held.delete(stretch)) this.#bytes -= stretch.capacityBytes;
  }

  #trim(): void {
    for (const stretch of this.#held) {
      if (this.#bytes <= this.#bytesMax) return;
      stretch.drop(); // calls release
    }
  }
}

/**
 * Contents of index files, the least recently used dropped beyond `bytesMax`. By whoever reads the file, not by its
 * path: a read of one that is gone may end when another stands there already.
 */
export class IndexCache {
  readonly #bytesMax: number;
  readonly #contents = new Map<object, Uint8Array>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get(index: object): Uint8Array | undefined {
    const content = this.#contents.get(index);
    if (content !== undefined) {
      this.#contents.delete(index);
      this.#contents.set(index, content);
    }
    return content;
  }

  put(index: object, content: Uint8Array): void {
    this.forget(index);
    this.#contents.set(index, content);
    this.#bytes += content.length;
    for (const oldest of this.#contents.keys()) {
      if (this.#bytes <= this.#bytesMax || oldest === index) return;
      this.forget(oldest);
    }
  }

  forget(index: object): void {
    const content = this.#contents.get(index);
    if (content === undefined) return;
    this.#contents.delete(index);
    this.#bytes -= content.length;
  }
}
