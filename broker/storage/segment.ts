import type { Offset, TimestampMs } from "../base/ids.ts";
import { indexName, logName, timeIndexName } from "./file-names.ts";
import { OffsetIndex, OFFSET_ENTRY_BYTES } from "./offset-index.ts";
import type { SharedStorage } from "./shared-storage.ts";
import { TIME_ENTRY_BYTES, type TimeEntry, TimeIndex } from "./time-index.ts";
import { VerifiedRange } from "./verified-range.ts";

const INT32_MAX = 2 ** 31 - 1;

/** A batch's header as the segment needs it. */
export interface BatchPlace {
  readonly lastOffset: Offset;
  readonly maxTimestampMs: TimestampMs;
  readonly sizeBytes: number;
}

/** When to roll, out of a LogConfig. */
export interface RollLimits {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentIndexBytes: number;
}

/**
 * A stretch of the log in one `.log` file with its two indexes. It knows what was appended, which may be more than what
 * the file holds: the writer moves `writtenBytes`, the syncer `syncedBytes`.
 */
export class Segment {
  readonly baseOffset: Offset;
  readonly path: string;
  readonly offsetIndex: OffsetIndex;
  readonly timeIndex: TimeIndex;
  /** Offset after the last record appended. */
  endOffset: Offset;
  sizeBytes = 0;
  writtenBytes = 0;
  syncedBytes = 0;
  /** Whether the `.log` file was created. */
  isOnDisk: boolean;
  /** Greatest timestamp of the records and the last offset of its batch; −1 when none. Null: not looked up yet. */
  maxTimestamp: TimeEntry | null;
  /** Greatest timestamp of the first batch; −1 when it has none, null when there is no batch or it was not read. */
  firstTimestampMs: number | null = null;
  readonly #createdMs: number;
  /** What was checked before it was written, and what was checked when it was read. */
  readonly verified = { written: new VerifiedRange(), read: new VerifiedRange() };
  /** Verification of a closed segment's indexes, begun at their first use. */
  checking: Promise<void> | null = null;
  #bytesSinceEntry = 0;

  constructor(
    shared: SharedStorage,
    options: {
      folder: string;
      baseOffset: Offset;
      endOffset: Offset;
      isNew: boolean;
      nowMs: number;
      /** Behind the files' names, of a segment that is not the log's yet. */
      suffix?: string;
    },
  ) {
    const { folder, baseOffset, isNew, suffix = "" } = options;
    this.baseOffset = baseOffset;
    this.endOffset = options.endOffset;
    this.path = `${folder}/${logName(baseOffset)}${suffix}`;
    this.offsetIndex = new OffsetIndex(shared, `${folder}/${indexName(baseOffset)}${suffix}`, { baseOffset, isNew });
    this.timeIndex = new TimeIndex(shared, `${folder}/${timeIndexName(baseOffset)}${suffix}`, { baseOffset, isNew });
    this.isOnDisk = !isNew;
    this.maxTimestamp = isNew ? noTimestamp(baseOffset) : null;
    this.#createdMs = options.nowMs;
  }

  get isEmpty(): boolean {
    return this.sizeBytes === 0;
  }

  /** Whether something was written, or cut, since the last sync. */
  get isUnsynced(): boolean {
    return this.syncedBytes < this.writtenBytes;
  }

  /** Whether a batch must go into a new segment. Source: segment.bytes, segment.ms, segment.index.bytes. */
  mustRollFor(batch: BatchPlace, now: { limits: RollLimits; nowMs: number; pendingBytes: number }): boolean {
    const held = this.sizeBytes + now.pendingBytes;
    if (held === 0) return false;
    if (held + batch.sizeBytes > now.limits.segmentBytes) return true;
    if (batch.lastOffset - this.baseOffset > INT32_MAX) return true;
    if (this.#ageMs(batch.maxTimestampMs, now.nowMs) > now.limits.segmentMs) return true;
    return this.#isIndexFull(now.limits.segmentIndexBytes);
  }

  #ageMs(newestMs: number, nowMs: number): number {
    if (this.firstTimestampMs !== null && this.firstTimestampMs >= 0 && newestMs >= 0) {
      return newestMs - this.firstTimestampMs;
    }
    return nowMs - this.#createdMs;
  }

  #isIndexFull(segmentIndexBytes: number): boolean {
    const { offsetIndex, timeIndex } = this;
    return (
      (offsetIndex.file.isLoaded && (offsetIndex.file.count + 1) * OFFSET_ENTRY_BYTES > segmentIndexBytes) ||
      (timeIndex.file.isLoaded && (timeIndex.file.count + 2) * TIME_ENTRY_BYTES > segmentIndexBytes)
    );
  }

  /** Notes a batch as appended behind all others: sizes, timestamps, and now and then an index entry. */
  note(batch: BatchPlace, indexIntervalBytes: number): void {
    if (this.sizeBytes === 0) this.firstTimestampMs = batch.maxTimestampMs;
    this.index(batch, { position: this.sizeBytes, indexIntervalBytes });
    this.sizeBytes += batch.sizeBytes;
    this.endOffset = (batch.lastOffset + 1) as Offset;
  }

  /** The index part of `note`, for rebuilding the indexes of a segment that holds the batch already. */
  index(batch: BatchPlace, at: { position: number; indexIntervalBytes: number }): void {
    if (this.maxTimestamp === null || batch.maxTimestampMs > this.maxTimestamp.timestampMs) {
      this.maxTimestamp = { timestampMs: batch.maxTimestampMs, offset: batch.lastOffset };
    }
    if (this.#bytesSinceEntry > at.indexIntervalBytes) {
      this.offsetIndex.append({ offset: batch.lastOffset, position: at.position });
      this.timeIndex.maybeAppend(this.maxTimestamp);
      this.#bytesSinceEntry = 0;
    }
    this.#bytesSinceEntry += batch.sizeBytes;
  }

  /** Empties both indexes, to be rebuilt. */
  async clearIndexes(): Promise<void> {
    this.maxTimestamp = noTimestamp(this.baseOffset);
    this.#bytesSinceEntry = 0;
    await this.offsetIndex.truncateTo(this.baseOffset);
    await this.timeIndex.truncateTo(this.baseOffset);
  }

  /** Goes back to `sizeBytes` bytes that end at `endOffset`; the caller cuts file and indexes. */
  cutBack(to: { sizeBytes: number; endOffset: Offset }): void {
    this.sizeBytes = to.sizeBytes;
    this.writtenBytes = Math.min(this.writtenBytes, to.sizeBytes);
    // The cut itself is not synced: until it is, a power cut may bring the old bytes back.
    this.syncedBytes = Math.min(this.syncedBytes, to.sizeBytes - 1);
    this.verified.written.cutTo(to.sizeBytes);
    this.verified.read.cutTo(to.sizeBytes);
    this.endOffset = to.endOffset;
    this.#bytesSinceEntry = 0;
    if (to.sizeBytes === 0) this.firstTimestampMs = null;
  }

  /** Puts the greatest timestamp into the time index, as the last entry of a segment that is left or closed. */
  seal(): void {
    if (this.maxTimestamp !== null && this.maxTimestamp.timestampMs >= 0) this.timeIndex.maybeAppend(this.maxTimestamp);
  }

  async persistIndexes(): Promise<void> {
    await this.offsetIndex.file.persist();
    await this.timeIndex.file.persist();
  }

  get areIndexesUnsynced(): boolean {
    return this.offsetIndex.file.isUnsynced || this.timeIndex.file.isUnsynced;
  }

  async syncIndexes(): Promise<void> {
    await this.offsetIndex.file.sync();
    await this.timeIndex.file.sync();
  }
}

export const noTimestamp = (baseOffset: Offset): TimeEntry => ({ timestampMs: -1 as TimestampMs, offset: baseOffset });

/** Of segments in order, the one that holds `offset`; undefined when it lies below all. */
export function segmentHolding(segments: readonly Segment[], offset: Offset): Segment | undefined {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    if (segments[middle]!.baseOffset <= offset) low = middle + 1;
    else high = middle - 1;
  }
  return segments[high];
}
