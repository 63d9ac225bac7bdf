import { assert } from "../base/assert.ts";
import type { Offset } from "../base/ids.ts";
import { lastOffsetOf, sizeBytesOf } from "../wire/record-batch.ts";
import type { Segment } from "./segment.ts";
import type { Droppable, TailBudget } from "./shared-storage.ts";

const CHUNK_BYTES_FIRST = 4096;
const CHUNK_BYTES_MAX = 128 * 1024;
/** A leader's batch from here on keeps its own memory, unless it would pin much more than itself. */
const ADOPT_BYTES_MIN = 16 * 1024;
/** The same of what a follower was sent, which always stands in memory of its own. */
const ADOPT_RUN_BYTES_MIN = 4 * 1024;
const MARK_BYTES = 4096;
const NO_BYTES = new Uint8Array(0);

/** What the writer hands to the disk in one call: bytes of one segment. */
export interface TailWrite {
  readonly segment: Segment;
  readonly position: number;
  readonly chunks: readonly Uint8Array[];
  readonly sizeBytes: number;
  readonly endOffset: Offset;
}

/** Whole batches that stand one behind the other in memory and in one segment. Bytes once put in never change. */
class Chunk implements Droppable {
  bytes: Uint8Array;
  length = 0;
  writtenLength = 0;
  readonly segment: Segment;
  /** Where the chunk's bytes begin in the segment. */
  readonly position: number;
  readonly baseOffset: Offset;
  endOffset: Offset;
  readonly capacityBytes: number;
  readonly #tail: Tail;
  /** Some batch boundaries, rising, so that a search walks few headers. */
  readonly #markOffsets: number[] = [];
  readonly #markPositions: number[] = [];

  constructor(tail: Tail, options: { bytes: Uint8Array; segment: Segment; position: number; baseOffset: Offset }) {
    this.#tail = tail;
    this.bytes = options.bytes;
    this.capacityBytes = options.bytes.length;
    this.segment = options.segment;
    this.position = options.position;
    this.baseOffset = options.baseOffset;
    this.endOffset = options.baseOffset;
  }

  get isWritten(): boolean {
    return this.writtenLength === this.length;
  }

  /** Notes the batch that starts at `length`. */
  note(sizeBytes: number, lastOffset: Offset): void {
    const last = this.#markPositions.at(-1);
    if (last === undefined || this.length - last >= MARK_BYTES) {
      this.#markOffsets.push(this.endOffset);
      this.#markPositions.push(this.length);
    }
    this.length += sizeBytes;
    this.endOffset = (lastOffset + 1) as Offset;
  }

  /** Position of the batch that holds `target`. */
  positionOf(target: Offset): number {
    let at = this.#markPositions[lastAtMost(this.#markOffsets, target)]!;
    while (lastOffsetOf(this.bytes, at) < target) at += sizeBytesOf(this.bytes, at);
    return at;
  }

  /** End of the whole batches from `from` on that lie below `endOffset` and take at most `bytesMax`. */
  cut(from: number, limits: { endOffset: Offset; bytesMax: number; atLeastOne: boolean }): number {
    const end = limits.endOffset >= this.endOffset ? this.length : this.positionOf(limits.endOffset);
    if (end - from <= limits.bytesMax) return end;
    let at = from;
    const mark = this.#markPositions[lastAtMost(this.#markPositions, from + limits.bytesMax)]!;
    if (mark > at) at = mark;
    if (at === from && limits.atLeastOne) at += sizeBytesOf(this.bytes, at);
    while (at < end && at + sizeBytesOf(this.bytes, at) - from <= limits.bytesMax) at += sizeBytesOf(this.bytes, at);
    return at;
  }

  drop(): boolean {
    return this.#tail.dropThrough(this);
  }
}

/**
 * The newest batches of one log, in memory: what still has to be written, and behind it what readers are likely to ask
 * for. Small batches are copied together, so that no slice of 200 bytes pins the 64 KB it came in with and a write has
 * few parts; large ones are kept as they came. Views handed out stay valid for ever.
 */
export class Tail {
  readonly #budget: TailBudget;
  readonly #chunks: Chunk[] = [];
  #bytesMax: number;
  #heldBytes = 0;
  #unwrittenBytes = 0;
  /** Index of the first chunk with something to write. */
  #cursor = 0;
  #nextChunkBytes = CHUNK_BYTES_FIRST;
  #isOpen = false;

  constructor(budget: TailBudget, bytesMax: number) {
    this.#budget = budget;
    this.#bytesMax = bytesMax;
  }

  get unwrittenBytes(): number {
    return this.#unwrittenBytes;
  }

  /** What is kept beyond this is dropped once written. */
  setBytesMax(bytesMax: number): void {
    this.#bytesMax = bytesMax;
    this.#trim();
  }

  /** Adds one batch, which the tail may keep as it is from 16 KiB on. `segment.sizeBytes` is where it goes. */
  addOne(batch: Uint8Array, place: { segment: Segment; baseOffset: Offset; lastOffset: Offset }): void {
    this.#take(batch, { ...place, adoptBytesMin: ADOPT_BYTES_MIN }).note(batch.length, place.lastOffset);
  }

  /** Adds batches in one piece of memory, which the tail may keep: `ends` and `lastOffsets` have one entry a batch. */
  add(
    bytes: Uint8Array,
    place: { segment: Segment; baseOffset: Offset; ends: readonly number[]; lastOffsets: readonly Offset[] },
  ): void {
    const chunk = this.#take(bytes, { ...place, adoptBytesMin: ADOPT_RUN_BYTES_MIN });
    let start = 0;
    for (const [index, end] of place.ends.entries()) {
      chunk.note(end - start, place.lastOffsets[index]!);
      start = end;
    }
    assert(start === bytes.length, "the batches of a run fill it");
  }

  /** The chunk that holds `bytes` from its `length` on: a common one, or one of their own. */
  #take(bytes: Uint8Array, place: { segment: Segment; baseOffset: Offset; adoptBytesMin: number }): Chunk {
    this.#unwrittenBytes += bytes.length;
    const isOwnMemory = bytes.length * 2 >= bytes.buffer.byteLength;
    if (bytes.length >= CHUNK_BYTES_MAX || (bytes.length >= place.adoptBytesMin && isOwnMemory)) {
      return this.#push(bytes, { ...place, isOpen: false });
    }
    const chunk = this.#chunkFor(bytes.length, place);
    chunk.bytes.set(bytes, chunk.length);
    return chunk;
  }

  #chunkFor(sizeBytes: number, place: { segment: Segment; baseOffset: Offset }): Chunk {
    const last = this.#chunks.at(-1);
    if (last !== undefined && this.#isOpen && last.segment === place.segment) {
      if (last.length + sizeBytes <= last.bytes.length) return last;
      this.#nextChunkBytes = Math.min(CHUNK_BYTES_MAX, last.bytes.length * 2);
    }
    const capacityBytes = Math.max(this.#nextChunkBytes, sizeBytes);
    return this.#push(Buffer.allocUnsafeSlow(capacityBytes), { ...place, isOpen: true });
  }

  #push(bytes: Uint8Array, place: { segment: Segment; baseOffset: Offset; isOpen: boolean }): Chunk {
    const { segment, baseOffset } = place;
    const chunk = new Chunk(this, { bytes, segment, position: segment.sizeBytes, baseOffset });
    this.#chunks.push(chunk);
    this.#isOpen = place.isOpen;
    this.#heldBytes += chunk.capacityBytes;
    this.#trim();
    this.#budget.hold(chunk);
    return chunk;
  }

  /** The next bytes to write, of one segment and about `bytesMax` at most; null when all is written. */
  nextWrite(bytesMax: number): TailWrite | null {
    while (this.#cursor < this.#chunks.length - 1 && this.#chunks[this.#cursor]!.isWritten) this.#cursor++;
    const first = this.#chunks[this.#cursor];
    if (first === undefined || first.isWritten) return null;
    const chunks: Uint8Array[] = [];
    let sizeBytes = 0;
    let endOffset = first.baseOffset;
    for (let index = this.#cursor; index < this.#chunks.length; index++) {
      const chunk = this.#chunks[index]!;
      if (chunk.segment !== first.segment || (sizeBytes > 0 && sizeBytes + chunk.length > bytesMax)) break;
      chunks.push(chunk.bytes.subarray(chunk.writtenLength, chunk.length));
      sizeBytes += chunk.length - chunk.writtenLength;
      endOffset = chunk.endOffset;
    }
    return { segment: first.segment, position: first.position + first.writtenLength, chunks, sizeBytes, endOffset };
  }

  /** Notes that `write` is done. */
  wrote(write: TailWrite): void {
    this.#unwrittenBytes -= write.sizeBytes;
    for (const part of write.chunks) {
      const chunk = this.#chunks[this.#cursor]!;
      chunk.writtenLength += part.length;
      if (chunk.isWritten && this.#cursor < this.#chunks.length - 1) this.#cursor++;
    }
    this.#trim();
  }

  /** See PartitionLog.readTail. */
  read(from: Offset, options: { endOffset: Offset; maxBytes: number }): Uint8Array[] | null {
    if (from >= options.endOffset) return [];
    let index = this.#indexOf(from);
    if (index < 0) return null;
    const views: Uint8Array[] = [];
    let bytesLeft = options.maxBytes;
    let at = this.#chunks[index]!.positionOf(from);
    for (; index < this.#chunks.length; index++, at = 0) {
      const chunk = this.#chunks[index]!;
      if (chunk.baseOffset >= options.endOffset) break;
      const atLeastOne = views.length === 0;
      const end = chunk.cut(at, { endOffset: options.endOffset, bytesMax: bytesLeft, atLeastOne });
      if (end > at) views.push(chunk.bytes.subarray(at, end));
      bytesLeft -= end - at;
      if (end < chunk.length) break;
    }
    return views;
  }

  /** Index of the chunk that holds `target`; −1 when it is not in memory. */
  #indexOf(target: Offset): number {
    let low = 0;
    let high = this.#chunks.length - 1;
    if (high >= 0 && target >= this.#chunks[high]!.endOffset) return -1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.#chunks[middle]!.baseOffset <= target) low = middle + 1;
      else high = middle - 1;
    }
    return high;
  }

  #trim(): void {
    while (this.#heldBytes > this.#bytesMax) {
      const first = this.#chunks[0];
      if (first === undefined || !this.#dropFirst()) return;
    }
  }

  /** Drops the oldest chunks up to and including `chunk`; false when it is still to be written. */
  dropThrough(chunk: Chunk): boolean {
    while (this.#chunks.includes(chunk)) {
      if (!this.#dropFirst()) return false;
    }
    return true;
  }

  #dropFirst(): boolean {
    const first = this.#chunks[0]!;
    if (!first.isWritten || first.length === 0) return false;
    this.#chunks.shift();
    if (this.#chunks.length === 0) this.#isOpen = false;
    // Dropped before it was filled, as after every write of a follower: the next one need not be as large.
    const isMostlyEmpty = this.#chunks.length === 0 && first.length * 2 < first.capacityBytes;
    if (isMostlyEmpty) this.#nextChunkBytes = Math.max(CHUNK_BYTES_FIRST, this.#nextChunkBytes / 2);
    if (this.#cursor > 0) this.#cursor--;
    this.#heldBytes -= first.capacityBytes;
    this.#budget.release(first);
    first.bytes = NO_BYTES;
    return true;
  }

  /**
   * Forgets all that lies in or before segments whose place another file has taken: or whoever reads from memory would
   * be given what compaction has removed. All of it is written.
   */
  forget(segments: readonly Segment[]): void {
    let index = this.#chunks.findLastIndex(({ segment }) => segments.includes(segment));
    for (; index >= 0; index--) assert(this.#dropFirst(), "what another file takes the place of is written");
  }

  /** Forgets everything; nothing may be waiting to be written. */
  clear(): void {
    assert(this.#unwrittenBytes === 0, "a tail is cleared only when written");
    while (this.#chunks.length > 0) assert(this.#dropFirst(), "a written chunk can be dropped");
    this.#nextChunkBytes = CHUNK_BYTES_FIRST;
  }
}

/** Index of the last of the rising `values` that is ≤ `target`; at least 0. */
function lastAtMost(values: readonly number[], target: number): number {
  let low = 1;
  let high = values.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (values[middle]! <= target) low = middle + 1;
    else high = middle - 1;
  }
  return low - 1;
}
