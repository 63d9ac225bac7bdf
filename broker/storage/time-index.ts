import type { Offset, TimestampMs } from "../base/ids.ts";
import { IndexFile } from "./index-file.ts";
import { readUint32, writeUint32 } from "./offset-index.ts";
import type { SharedStorage } from "./shared-storage.ts";

export const TIME_ENTRY_BYTES = 12;
const TWO_32 = 4_294_967_296;

/** The greatest timestamp of the records up to and including `offset`. */
export interface TimeEntry {
  readonly timestampMs: TimestampMs;
  readonly offset: Offset;
}

/**
 * `.timeindex`: greatest timestamp so far (int64) and the last offset of the batch that has it (relative, int32).
 * Timestamps rise strictly, offsets rise. The last entry of a closed segment holds the segment's greatest timestamp.
 * Source: KIP-33.
 */
export class TimeIndex {
  readonly file: IndexFile;
  readonly #baseOffset: Offset;
  #lastMs = -1;

  constructor(shared: SharedStorage, path: string, options: { baseOffset: Offset; isNew: boolean }) {
    this.file = new IndexFile(shared, path, { entryBytes: TIME_ENTRY_BYTES, isNew: options.isNew });
    this.#baseOffset = options.baseOffset;
  }

  /** Adds the entry if its timestamp is greater than all before. */
  maybeAppend(entry: TimeEntry): void {
    if (entry.timestampMs <= this.#lastMs) return;
    const at = this.file.grow();
    writeUint32(this.file.pending, at, Math.floor(entry.timestampMs / TWO_32));
    writeUint32(this.file.pending, at + 4, entry.timestampMs % TWO_32);
    writeUint32(this.file.pending, at + 8, entry.offset - this.#baseOffset);
    this.#lastMs = entry.timestampMs;
  }

  /** The entry with the greatest timestamp < `target`: nothing up to its offset is as late as `target`. */
  async lookupBefore(target: TimestampMs): Promise<TimeEntry | null> {
    const { pending, pendingCount } = this.file;
    if (pendingCount > 0 && timestampAt(pending, 0) < target) {
      return this.#entryAt(pending, searchBelow(pending, { count: pendingCount, target }));
    }
    const content = await this.file.load();
    const found = searchBelow(content, { count: content.length / TIME_ENTRY_BYTES, target });
    return found < 0 ? null : this.#entryAt(content, found);
  }

  /** Makes ready for appends to an existing file. The last entry, or null when empty. */
  async loadLast(): Promise<TimeEntry | null> {
    const content = await this.file.loadLast();
    if (content === null) return null;
    const entry = this.#entryAt(content, 0);
    this.#lastMs = entry.timestampMs;
    return entry;
  }

  /** Drops entries at or above `end`. Resolves to the last one kept, null when none. */
  async truncateTo(end: Offset): Promise<TimeEntry | null> {
    await this.file.persist();
    const content = await this.file.load();
    let keep = content.length / TIME_ENTRY_BYTES;
    while (keep > 0 && this.#entryAt(content, keep - 1).offset >= end) keep--;
    await this.file.truncate(keep);
    const last = keep > 0 ? this.#entryAt(content, keep - 1) : null;
    this.#lastMs = last === null ? -1 : last.timestampMs;
    return last;
  }

  /** Whether timestamps and offsets of the file rise, with offsets below `end`. */
  async isSane(end: Offset): Promise<boolean> {
    const content = await this.file.load();
    let previous: TimeEntry | null = null;
    for (let index = 0; index < content.length / TIME_ENTRY_BYTES; index++) {
      const entry = this.#entryAt(content, index);
      if (entry.offset >= end) return false;
      if (previous !== null && (entry.timestampMs <= previous.timestampMs || entry.offset < previous.offset))
        return false;
      previous = entry;
    }
    return true;
  }

  #entryAt(content: Uint8Array, index: number): TimeEntry {
    const at = index * TIME_ENTRY_BYTES;
    const offset = (this.#baseOffset + readUint32(content, at + 8)) as Offset;
    return { timestampMs: timestampAt(content, index), offset };
  }
}

const timestampAt = (content: Uint8Array, index: number): TimestampMs => {
  const at = index * TIME_ENTRY_BYTES;
  return (readUint32(content, at) * TWO_32 + readUint32(content, at + 4)) as TimestampMs;
};

/** Index of the last of `count` entries whose timestamp is < `target`; −1 when none. */
function searchBelow(content: Uint8Array, { count, target }: { count: number; target: TimestampMs }): number {
  let low = 0;
  let high = count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (timestampAt(content, middle) < target) low = middle + 1;
    else high = middle - 1;
  }
  return high;
}
