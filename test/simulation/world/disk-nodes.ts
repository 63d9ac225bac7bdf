import type { SeededRandom } from "./random.ts";

export const SECTOR_BYTES = 512;

/** What was written or cut since the platter last had it all. */
type Change =
  | { readonly kind: "write"; readonly position: number; readonly length: number }
  | { readonly kind: "truncate"; readonly sizeBytes: number };

/** How much of what was not synced a loss of power takes. */
export interface Loss {
  readonly random: SeededRandom;
  /** Probability that one sector, or one change of a folder, reached the platter by itself. */
  readonly keptShare: number;
}

function grown(buffer: Uint8Array, sizeBytes: number): Uint8Array {
  if (sizeBytes <= buffer.length) return buffer;
  const larger = new Uint8Array(Math.max(sizeBytes, buffer.length * 2, 4096));
  larger.set(buffer);
  return larger;
}

/** A file: what the page cache has, what the platter has, and the changes between them. */
export class FileNode {
  parent: FolderNode | null;
  name: string;
  sizeBytes = 0;
  #cache: Uint8Array = new Uint8Array(0);
  #platter: Uint8Array = new Uint8Array(0);
  #platterBytes = 0;
  /** Changes beyond the first `#syncedCount`. */
  #changes: Change[] = [];
  #syncedCount = 0;

  constructor(parent: FolderNode, name: string) {
    this.parent = parent;
    this.name = name;
  }

  /** The content as the page cache has it: a view, to be read at once. */
  get content(): Uint8Array {
    return this.#cache.subarray(0, this.sizeBytes);
  }

  /** Number of all changes so far: what a sync that starts now will cover. */
  get changeCount(): number {
    return this.#syncedCount + this.#changes.length;
  }

  read(target: Uint8Array, position: number): number {
    const count = Math.max(0, Math.min(target.length, this.sizeBytes - position));
    target.set(this.#cache.subarray(position, position + count));
    return count;
  }

  write(bytes: Uint8Array, position: number): void {
    const end = position + bytes.length;
    this.#cache = grown(this.#cache, end);
    if (position > this.sizeBytes) this.#cache.fill(0, this.sizeBytes, position);
    this.#cache.set(bytes, position);
    this.sizeBytes = Math.max(this.sizeBytes, end);
    this.#changes.push({ kind: "write", position, length: bytes.length });
  }

  truncate(sizeBytes: number): void {
    this.#cache = grown(this.#cache, sizeBytes);
    if (sizeBytes > this.sizeBytes) this.#cache.fill(0, this.sizeBytes, sizeBytes);
    this.sizeBytes = sizeBytes;
    this.#changes.push({ kind: "truncate", sizeBytes });
  }

  /** The changes up to `changeCount` reach the platter. */
  sync(changeCount: number): void {
    const fresh = this.#changes.splice(0, Math.max(0, changeCount - this.#syncedCount));
    this.#syncedCount += fresh.length;
    for (const change of fresh) this.#toPlatter(change, () => true);
  }

  /** The power went: unsynced sectors are kept or lost one by one, and the page cache is what the platter has. */
  losePower(loss: Loss): void {
    const { random, keptShare } = loss;
    for (const change of this.#changes) {
      if (change.kind === "truncate" && !random.chance(keptShare)) continue;
      this.#toPlatter(change, () => random.chance(keptShare));
    }
    this.#syncedCount += this.#changes.length;
    this.#changes = [];
    this.sizeBytes = this.#platterBytes;
    this.#cache = this.#platter.slice(0, this.#platterBytes);
  }

  #toPlatter(change: Change, isKept: () => boolean): void {
    if (change.kind === "truncate") {
      this.#platter = grown(this.#platter, change.sizeBytes);
      this.#platter.fill(0, Math.min(change.sizeBytes, this.#platterBytes));
      this.#platterBytes = change.sizeBytes;
      return;
    }
    const end = change.position + change.length;
    for (let at = change.position; at < end; ) {
      const next = Math.min(end, at - (at % SECTOR_BYTES) + SECTOR_BYTES);
      if (isKept()) this.#keepSector(at, next);
      at = next;
    }
  }

  #keepSector(from: number, to: number): void {
    const end = Math.min(to, this.#cache.length);
    if (end <= from) return;
    this.#platter = grown(this.#platter, end);
    if (from > this.#platterBytes) this.#platter.fill(0, this.#platterBytes, from);
    this.#platter.set(this.#cache.subarray(from, end), from);
    this.#platterBytes = Math.max(this.#platterBytes, end);
  }
}

export type Node = FileNode | FolderNode;

/** One change of names that is atomic: a creation, a removal, or both ends of a rename. */
export interface NameChange {
  readonly parts: readonly { readonly folder: FolderNode; readonly name: string; readonly node: Node | null }[];
}

export class FolderNode {
  parent: FolderNode | null;
  name: string;
  entries = new Map<string, Node>();
  /** What the platter has of the names. */
  platter = new Map<string, Node>();

  constructor(parent: FolderNode | null, name: string) {
    this.parent = parent;
    this.name = name;
  }

  /** Path from the root, without a leading slash. */
  get path(): string {
    if (this.parent === null) return "";
    const above = this.parent.path;
    return above === "" ? this.name : `${above}/${this.name}`;
  }
}
