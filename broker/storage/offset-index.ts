import type { Offset } from "../base/ids.ts";
import { IndexFile } from "./index-file.ts";
import type { SharedStorage } from "./shared-storage.ts";

export const OFFSET_ENTRY_BYTES = 8;

/** A batch's place: the offset of its last record and its position in the segment. */
export interface OffsetEntry {
  readonly offset: Offset;
  readonly position: number;
}

/**
 * `.index`: for about every index.interval.bytes of log, the offset of a batch's last record (relative to the segment's
 * first, int32) and the batch's position (int32). Both rise. Source: Kafka's OffsetIndex.
 */
export class OffsetIndex {
  readonly file: IndexFile;
  readonly #baseOffset: Offset;

  constructor(shared: SharedStorage, path: string, options: { baseOffset: Offset; isNew: boolean }) {
    this.file = new IndexFile(shared, path, { entryBytes: OFFSET_ENTRY_BYTES, isNew: options.isNew });
    this.#baseOffset = options.baseOffset;
  }

  append(entry: OffsetEntry): void {
    const at = this.file.grow();
    writeUint32(this.file.pending, at, entry.offset - this.#baseOffset);
    writeUint32(this.file.pending, at + 4, entry.position);
  }

  /** The entry with the greatest offset ≤ `target`; null when all are above: then look from the segment's start. */
  async lookup(target: Offset): Promise<OffsetEntry | null> {
    const relative = target - this.#baseOffset;
    const { pending, pendingCount } = this.file;
    if (pendingCount > 0 && readUint32(pending, 0) <= relative) {
      return this.#entryAt(pending, searchUint32(pending, { count: pendingCount, target: relative }));
    }
    const content = await this.file.load();
    const found = searchUint32(content, { count: content.length / OFFSET_ENTRY_BYTES, target: relative });
    return found < 0 ? null : this.#entryAt(content, found);
  }

  #entryAt(content: Uint8Array, index: number): OffsetEntry {
    const at = index * OFFSET_ENTRY_BYTES;
    const offset = (this.#baseOffset + readUint32(content, at)) as Offset;
    return { offset, position: readUint32(content, at + 4) };
  }

  /** How many entries of the file have rising columns and positions below `sizeBytes`, and whether all do. */
  async countSane(sizeBytes: number): Promise<{ count: number; isAll: boolean }> {
    const content = await this.file.load();
    const total = content.length / OFFSET_ENTRY_BYTES;
    let previousOffset = -1;
    let previousPosition = -1;
    for (let index = 0; index < total; index++) {
      const offset = readUint32(content, index * OFFSET_ENTRY_BYTES);
      const position = readUint32(content, index * OFFSET_ENTRY_BYTES + 4);
      if (offset <= previousOffset || position <= previousPosition || position >= sizeBytes) {
        return { count: index, isAll: false };
      }
      previousOffset = offset;
      previousPosition = position;
    }
    return { count: total, isAll: true };
  }

  /** Drops entries at or above `end`. Resolves to the last one kept, null when none. */
  async truncateTo(end: Offset): Promise<OffsetEntry | null> {
    const content = await this.file.load();
    const relative = end - 1 - this.#baseOffset;
    const persisted = content.length / OFFSET_ENTRY_BYTES;
    let keep = searchUint32(content, { count: persisted, target: relative }) + 1;
    let last = keep > 0 ? this.#entryAt(content, keep - 1) : null;
    if (keep === persisted) {
      const inMemory = searchUint32(this.file.pending, { count: this.file.pendingCount, target: relative }) + 1;
      if (inMemory > 0) last = this.#entryAt(this.file.pending, inMemory - 1);
      keep += inMemory;
    }
    await this.file.truncate(keep);
    return last;
  }
}

export const readUint32 = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** Index of the last of `count` entries whose first column is ≤ `target`; −1 when none. */
function searchUint32(content: Uint8Array, { count, target }: { count: number; target: number }): number {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (readUint32(content, middle * OFFSET_ENTRY_BYTES) <= target) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}
