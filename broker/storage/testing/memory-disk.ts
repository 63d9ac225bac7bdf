import { assert } from "../../base/assert.ts";
import { TidemarkError } from "../../base/errors.ts";
import type { Random } from "../../base/random.ts";
import type { Disk, DiskFile } from "../../ports/disk.ts";

const SECTOR_BYTES = 512;

/** One file's data at two levels. The names that lead to it are the folder's business. */
class Inode {
  /** As the page cache has it. */
  cached: Uint8Array = new Uint8Array(0);
  /** As the platter has it. */
  synced: Uint8Array = new Uint8Array(0);

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    if (end > this.cached.length) this.cached = resized(this.cached, end);
    this.cached.set(bytes, position);
  }
}

type Folder = Map<string, Inode>;

/** What a crash takes. */
export interface CrashOptions {
  /** A machine's crash: unsynced data and folder entries are lost, or kept as `random` decides. */
  readonly losesPageCache: boolean;
  /** With losesPageCache: each changed sector and each folder change of its own may have reached the platter. */
  readonly random?: Random;
}

/**
 * A disk in memory with a page cache over a platter. Every operation is one step; `onStep` may throw to let the process
 * die between any two of them. A process uses `mount()`: after `crash`, nothing that it still tries has an effect.
 */
export class MemoryDisk implements Disk {
  #folders = new Map<string, Folder>([["", new Map()]]);
  #syncedFolders = new Map<string, Folder>([["", new Map()]]);
  #generation = 0;
  /** Called before each operation that changes something. */
  onStep: (step: string) => void = () => undefined;
  /** The disk as one process sees it: dead with that process, at the next crash. */
  mount(): Disk {
    const generation = this.#generation;
    const alive = <T>(work: () => Promise<T>): Promise<T> => {
      if (generation === this.#generation) return work();
      return Promise.reject(new TidemarkError("DISK_FAILED", "this process is dead"));
    };
    return {
      open: (path, options) => alive(() => this.open(path, options)),
      readFile: (path) => alive(() => this.readFile(path)),
      list: (path) => alive(() => this.list(path)),
      makeFolder: (path) => alive(() => this.makeFolder(path)),
      rename: (from, to) => alive(() => this.rename(from, to)),
      remove: (path) => alive(() => this.remove(path)),
      syncFolder: (path) => alive(() => this.syncFolder(path)),
    };
  }

  /** Bytes read out of files, for tests that count. */
  readBytes = 0;
  /** Bytes that all files may have together before writes fail with DISK_FULL. */
  capacityBytes = Number.MAX_SAFE_INTEGER;
  failNextSync = false;
  /** Writes wait until released: a stall. */
  stall: Promise<void> | null = null;
  openCount = 0;

  async open(path: string, options: { create?: boolean } = {}): Promise<DiskFile | null> {
    await this.#turn();
    const { folder, name } = this.#locate(path);
    let inode = folder?.get(name);
    if (inode === undefined) {
      if (options.create !== true) return null;
      this.onStep(`create ${path}`);
      if (folder === undefined) throw new TidemarkError("DISK_FAILED", `no folder for ${path}`);
      inode = new Inode();
      folder.set(name, inode);
    }
    this.openCount++;
    return new MemoryFile(this, { inode, path, generation: this.#generation });
  }

  async readFile(path: string): Promise<Uint8Array | null> {
    await this.#turn();
    const { folder, name } = this.#locate(path);
    const inode = folder?.get(name);
    if (inode === undefined) return null;
    this.readBytes += inode.cached.length;
    return inode.cached.slice();
  }

  async list(path: string): Promise<string[]> {
    await this.#turn();
    const prefix = path === "" ? "" : `${path}/`;
    const folders = [...this.#folders.keys()].filter(
      (name) => name !== "" && name.startsWith(prefix) && !name.slice(prefix.length).includes("/"),
    );
    const names = folders.map((name) => name.slice(prefix.length)).filter((name) => name !== "");
    return [...names, ...(this.#folders.get(path)?.keys() ?? [])].sort();
  }

  async makeFolder(path: string): Promise<void> {
    await this.#turn();
    if (this.#folders.has(path)) return;
    this.onStep(`makeFolder ${path}`);
    this.#folders.set(path, new Map());
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#turn();
    this.onStep(`rename ${from} ${to}`);
    if (this.#folders.has(from)) {
      const folder = this.#folders.get(from)!;
      this.#folders.delete(from);
      this.#folders.set(to, folder);
      return;
    }
    const source = this.#locate(from);
    const target = this.#locate(to);
    const inode = source.folder?.get(source.name);
    if (inode === undefined) throw new TidemarkError("DISK_FAILED", `${from} cannot be renamed: it is not there`);
    source.folder!.delete(source.name);
    target.folder!.set(target.name, inode);
    if (source.folder === target.folder) this.#renames.push([from, to]);
  }

  /** Renames of files since their folder was synced: both names of each are kept or lost together. */
  #renames: [from: string, to: string][] = [];

  async remove(path: string): Promise<void> {
    await this.#turn();
    const { folder, name } = this.#locate(path);
    if (this.#folders.has(path)) {
      this.onStep(`remove ${path}`);
      this.#folders.delete(path);
    } else if (folder?.has(name) === true) {
      this.onStep(`remove ${path}`);
      folder.delete(name);
    }
  }

  async syncFolder(path: string): Promise<void> {
    await this.#turn();
    this.onStep(`syncFolder ${path}`);
    const folder = this.#folders.get(path);
    if (folder === undefined) throw new TidemarkError("DISK_FAILED", `${path} cannot be synced: it is not there`);
    this.#renames = this.#renames.filter(([from]) => folderOf(from) !== path);
    if (path === "") this.#syncRoot();
    if (path === "" || this.#syncedFolders.has(path)) this.#syncedFolders.set(path, new Map(folder));
    else this.#pendingFolders.set(path, new Map(folder));
  }

  /** Folders synced while their own entry in the root is not: they appear with it. */
  readonly #pendingFolders = new Map<string, Folder>();

  #syncRoot(): void {
    for (const path of [...this.#syncedFolders.keys()]) if (!this.#folders.has(path)) this.#syncedFolders.delete(path);
    for (const path of this.#folders.keys()) {
      if (!this.#syncedFolders.has(path)) this.#syncedFolders.set(path, this.#pendingFolders.get(path) ?? new Map());
    }
    this.#pendingFolders.clear();
  }

  /** The process ends, and with `losesPageCache` the machine: what was not synced is gone, or by chance is not. */
  crash(options: CrashOptions): void {
    this.#generation++;
    this.stall = null;
    this.failNextSync = false;
    if (!options.losesPageCache) return;
    const { random } = options;
    const chance = (): boolean => random !== undefined && random.next() < 0.5;
    const after = new Map<string, Folder>();
    for (const path of union(this.#folders, this.#syncedFolders)) {
      const synced = this.#syncedFolders.get(path) ?? this.#pendingFolders.get(path);
      const cached = this.#folders.get(path);
      const isDurable = this.#syncedFolders.has(path);
      if (cached === undefined ? chance() : !isDurable && !chance()) continue;
      const renames = this.#renames.filter(([from]) => folderOf(from) === path);
      after.set(path, survivingEntries({ cached: cached ?? new Map(), synced: synced ?? new Map(), renames }, chance));
    }
    this.#renames = [];
    for (const folder of after.values()) for (const inode of folder.values()) losePageCache(inode, chance);
    this.#pendingFolders.clear();
    this.#folders = after;
    this.#syncedFolders = new Map([...after].map(([path, folder]) => [path, new Map(folder)]));
  }

  /** Flips one bit of a file, on the platter and in the cache. */
  corrupt(path: string, position: number): void {
    const { folder, name } = this.#locate(path);
    const inode = folder?.get(name);
    assert(inode !== undefined && position < inode.cached.length, `${path} has a byte ${position}`);
    inode.cached[position] = inode.cached[position]! ^ 1;
    if (position < inode.synced.length) inode.synced[position] = inode.synced[position]! ^ 1;
  }

  /** Content as the page cache has it, read without counting; null when missing. */
  contentOf(path: string): Uint8Array | null {
    const { folder, name } = this.#locate(path);
    return folder?.get(name)?.cached ?? null;
  }

  #locate(path: string): { folder: Folder | undefined; name: string } {
    const slash = path.lastIndexOf("/");
    return { folder: this.#folders.get(slash < 0 ? "" : path.slice(0, slash)), name: path.slice(slash + 1) };
  }

  get #usedBytes(): number {
    let sum = 0;
    for (const folder of this.#folders.values()) for (const inode of folder.values()) sum += inode.cached.length;
    return sum;
  }

  async #turn(): Promise<void> {
    const generation = this.#generation;
    await this.stall;
    this.checkAlive(generation);
  }

  checkAlive(generation: number): void {
    if (generation !== this.#generation) throw new TidemarkError("DISK_FAILED", "this process is dead");
  }

  async turnOf(generation: number): Promise<void> {
    this.checkAlive(generation);
    await this.#turn();
  }

  checkRoom(moreBytes: number): void {
    if (
      moreBytes > 0 &&
      this.capacityBytes !== Number.MAX_SAFE_INTEGER &&
      this.#usedBytes + moreBytes > this.capacityBytes
    ) {
      throw new TidemarkError("DISK_FULL", "no space left on the disk");
    }
  }
}

class MemoryFile implements DiskFile {
  readonly #disk: MemoryDisk;
  readonly #inode: Inode;
  readonly #path: string;
  readonly #generation: number;

  constructor(disk: MemoryDisk, options: { inode: Inode; path: string; generation: number }) {
    this.#disk = disk;
    this.#inode = options.inode;
    this.#path = options.path;
    this.#generation = options.generation;
  }

  get sizeBytes(): number {
    return this.#inode.cached.length;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    await this.#disk.turnOf(this.#generation);
    const found = this.#inode.cached.subarray(position, position + target.length);
    target.set(found);
    this.#disk.readBytes += found.length;
    return found.length;
  }

  async write(chunks: readonly Uint8Array[], position: number): Promise<void> {
    await this.#disk.turnOf(this.#generation);
    let at = position;
    for (const chunk of chunks) {
      // A process may die between any two sectors of a write.
      for (let from = 0; from < chunk.length; from += SECTOR_BYTES) {
        const part = chunk.subarray(from, from + SECTOR_BYTES);
        this.#disk.checkRoom(at + part.length - this.#inode.cached.length);
        this.#disk.onStep(`write ${this.#path} ${at}`);
        this.#inode.write(part, at);
        at += part.length;
      }
    }
  }

  async sync(): Promise<void> {
    await this.#disk.turnOf(this.#generation);
    this.#disk.onStep(`sync ${this.#path}`);
    if (this.#disk.failNextSync) {
      this.#disk.failNextSync = false;
      throw new TidemarkError("DISK_FAILED", "sync failed");
    }
    this.#inode.synced = this.#inode.cached.slice();
  }

  async truncate(sizeBytes: number): Promise<void> {
    await this.#disk.turnOf(this.#generation);
    if (sizeBytes === this.#inode.cached.length) return;
    this.#disk.onStep(`truncate ${this.#path} ${sizeBytes}`);
    this.#inode.cached = resized(this.#inode.cached, sizeBytes);
  }

  async close(): Promise<void> {
    this.#disk.openCount--;
  }
}

function resized(bytes: Uint8Array, sizeBytes: number): Uint8Array {
  const result = new Uint8Array(sizeBytes);
  result.set(bytes.subarray(0, Math.min(bytes.length, sizeBytes)));
  return result;
}

const union = <T>(one: ReadonlyMap<string, T>, other: ReadonlyMap<string, T>): string[] =>
  [...new Set([...one.keys(), ...other.keys()])].sort();

const folderOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")));
const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** The entries of a folder after a crash: those that did not change, and of the others what chance kept. */
function survivingEntries(
  { cached, synced, renames }: { cached: Folder; synced: Folder; renames: readonly (readonly [string, string])[] },
  chance: () => boolean,
): Folder {
  const after: Folder = new Map();
  const fates = new Map<string, boolean>();
  const fateOf = (name: string): boolean => {
    const known = fates.get(name);
    if (known !== undefined) return known;
    const fate = chance();
    for (const tied of tiedTo(name, renames)) fates.set(tied, fate);
    return fate;
  };
  for (const name of union(cached, synced)) {
    const before = synced.get(name);
    const now = cached.get(name);
    const kept = before === now || fateOf(name) ? now : before;
    if (kept !== undefined) after.set(name, kept);
  }
  return after;
}

/** The names that share the fate of `name`, itself included. */
function tiedTo(name: string, renames: readonly (readonly [string, string])[]): Set<string> {
  const tied = new Set([name]);
  let size = 0;
  while (size < tied.size) {
    size = tied.size;
    for (const [from, to] of renames) {
      if (!tied.has(nameOf(from)) && !tied.has(nameOf(to))) continue;
      tied.add(nameOf(from)).add(nameOf(to));
    }
  }
  return tied;
}

/** Sectors that differ from the platter, and the length, reach it by chance. */
function losePageCache(inode: Inode, chance: () => boolean): void {
  const keepsLength = chance();
  const result = resized(inode.synced, keepsLength ? inode.cached.length : inode.synced.length);
  for (let at = 0; at < result.length && at < inode.cached.length; at += SECTOR_BYTES) {
    if (chance()) result.set(inode.cached.subarray(at, Math.min(at + SECTOR_BYTES, result.length)), at);
  }
  inode.cached = result;
  inode.synced = result.slice();
}
