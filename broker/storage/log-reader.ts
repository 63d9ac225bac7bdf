import type { Clock } from "../base/clock.ts";
import { TidemarkError } from "../base/errors.ts";
import type { LeaderEpoch, Offset, TimestampMs } from "../base/ids.ts";
import {
  baseOffsetOf,
  batchEnd,
  BATCH_HEADER_BYTES,
  hasValidCrc,
  lastOffsetOf,
  leaderEpochOf,
  maxTimestampOf,
  sizeBytesOf,
} from "../wire/record-batch.ts";
import { recordsOf } from "../wire/record-batch-records.ts";
import { BATCH_BYTES_MAX, scanBatches } from "./batch-scan.ts";
import type { LogConfig } from "./log-config.ts";
import { noTimestamp, type Segment } from "./segment.ts";
import { READ_BLOCK_BYTES, type SharedStorage } from "./shared-storage.ts";
import type { TimeEntry } from "./time-index.ts";

const READ_BYTES_MIN = 64 * 1024;
const READ_BYTES_MAX = READ_BLOCK_BYTES;
/** A block that is used for less than this part is not worth keeping alive. */
const KEEP_BLOCK_PART = 4;
const HINTS_MAX = 8;

export interface LogReaderOptions {
  readonly config: () => LogConfig;
  readonly clock: Clock;
}

/** A record found by its timestamp. */
export interface FoundOffset {
  readonly offset: Offset;
  readonly timestampMs: TimestampMs;
  readonly leaderEpoch: LeaderEpoch;
}

export interface ReadLimits {
  readonly endOffset: Offset;
  readonly maxBytes: number;
}

/** Where a sequential reader comes back: the batch that begins at `offset` stands at `position`. */
interface Hint {
  readonly offset: Offset;
  readonly segment: Segment;
  readonly position: number;
  /** Size of that batch; 0 when it is not known. */
  readonly batchBytes: number;
}

/** Reads one log's files. What it is asked for must be written; a log cut meanwhile makes its answers worthless. */
export class LogReader {
  readonly #shared: SharedStorage;
  readonly #options: LogReaderOptions;
  #hints: Hint[] = [];

  constructor(shared: SharedStorage, options: LogReaderOptions) {
    this.#shared = shared;
    this.#options = options;
  }

  /** Forgets what it knows of positions: the log was cut. */
  reset(): void {
    this.#hints = [];
  }

  /** Whole batches from the one that holds `from` on, at least one, of one segment. Throws LOG_CORRUPT. */
  async read(segment: Segment, from: Offset, limits: ReadLimits): Promise<Uint8Array[]> {
    const hint = this.#hints.find((one) => one.offset === from && one.segment === segment);
    let position = hint?.position ?? (await this.#positionBefore(segment, from));
    const { writtenBytes } = segment;
    const nowMs = this.#options.clock.monotonic();
    return await this.#shared.files.useExisting(segment.path, async (file) => {
      let needBytes = firstReadBytes(limits.maxBytes, hint?.batchBytes ?? 0);
      while (position < writtenBytes) {
        const block = this.#block(Math.min(needBytes, writtenBytes - position));
        const length = await file.read(block, position);
        const place = { segment, position, nowMs };
        const found = takeBatches(block.subarray(0, length), from, { ...limits, place });
        if (found.kind === "bad") throw corrupt(segment, position + found.at);
        if (found.kind === "batches") {
          const { nextOffset, nextBytes, start, end } = found;
          this.#remember(hint, { offset: nextOffset, segment, position: position + end, batchBytes: nextBytes });
          if (start === end) return [];
          const isWorthKeeping = (end - start) * KEEP_BLOCK_PART >= block.length;
          return [isWorthKeeping ? block.subarray(start, end) : block.slice(start, end)];
        }
        // With all that there is in the block, nothing more can make it whole.
        if (length < block.length || position + length >= writtenBytes) break;
        position += found.at;
        needBytes = Math.max(needBytes, found.needBytes);
      }
      throw corrupt(segment, position);
    });
  }

  /** Of the pool where most of its block is used. */
  #block(sizeBytes: number): Uint8Array {
    if (sizeBytes * KEEP_BLOCK_PART < READ_BLOCK_BYTES || sizeBytes > READ_BLOCK_BYTES)
      return new Uint8Array(sizeBytes);
    return this.#shared.blocks.take().subarray(0, sizeBytes);
  }

  #remember(used: Hint | undefined, next: Hint): void {
    this.#hints = this.#hints.filter((one) => one !== used);
    this.#hints.push(next);
    if (this.#hints.length > HINTS_MAX) this.#hints.shift();
  }

  /** Position of a batch at or before the one that holds `target`. */
  async #positionBefore(segment: Segment, target: Offset): Promise<number> {
    await this.#ensureIndexes(segment);
    return (await segment.offsetIndex.lookup(target))?.position ?? 0;
  }

  /** Where the batch that holds `target` begins, and its first offset; the segment's end when there is none. */
  async positionOf(segment: Segment, target: Offset): Promise<{ position: number; offset: Offset }> {
    if (!segment.isOnDisk) return { position: 0, offset: segment.baseOffset };
    let found = segment.endOffset;
    const from = await this.#positionBefore(segment, target);
    const end = await this.#shared.files.useExisting(segment.path, (file) =>
      scanBatches(file, { from, to: segment.writtenBytes }, (bytes, at) => {
        if (lastOffsetOf(bytes, at) < target) return true;
        found = baseOffsetOf(bytes, at);
        return false;
      }),
    );
    if (end.kind !== "stopped" && end.kind !== "end") throw corrupt(segment, end.position);
    return { position: end.position, offset: found };
  }

  /** Checks a closed segment's indexes once in the life of a process, and rebuilds them if anything is wrong. */
  async #ensureIndexes(segment: Segment): Promise<void> {
    const isLoaded = segment.offsetIndex.file.isLoaded && segment.timeIndex.file.isLoaded;
    if (isLoaded && segment.checking === null) return;
    segment.checking ??= this.#checkIndexes(segment);
    await segment.checking;
  }

  async #checkIndexes(segment: Segment): Promise<void> {
    const offsets = await segment.offsetIndex.countSane(segment.sizeBytes);
    const areTimesSane = await segment.timeIndex.isSane(segment.endOffset);
    // A closed segment's time index has an entry, unless its records have no times: that is soon seen again.
    const isMissing = segment.timeIndex.file.count === 0 || (offsets.count === 0 && segment.sizeBytes > READ_BYTES_MAX);
    if (offsets.isAll && areTimesSane && !isMissing) return;
    await segment.clearIndexes();
    const { indexIntervalBytes } = this.#options.config();
    await this.#shared.files.useExisting(segment.path, (file) =>
      scanBatches(file, { from: 0, to: segment.writtenBytes }, (bytes, at, { position, sizeBytes }) => {
        const lastOffset = lastOffsetOf(bytes, at);
        const batch = { lastOffset, maxTimestampMs: maxTimestampOf(bytes, at), sizeBytes };
        segment.index(batch, { position, indexIntervalBytes });
        return true;
      }),
    );
    segment.seal();
    await segment.persistIndexes();
  }

  /** Greatest timestamp in a segment; that of `noTimestamp` when it has none. */
  async maxTimestamp(segment: Segment): Promise<TimeEntry> {
    if (segment.maxTimestamp !== null) return segment.maxTimestamp;
    await this.#ensureIndexes(segment);
    segment.maxTimestamp ??= (await segment.timeIndex.loadLast()) ?? noTimestamp(segment.baseOffset);
    return segment.maxTimestamp;
  }

  /** Greatest timestamp of the segment's first batch; null when it holds none. */
  async firstTimestamp(segment: Segment): Promise<TimestampMs | null> {
    if (segment.writtenBytes < BATCH_HEADER_BYTES) return null;
    return await this.#shared.files.useExisting(segment.path, async (file) => {
      const header = new Uint8Array(BATCH_HEADER_BYTES);
      await file.read(header, 0);
      return maxTimestampOf(header, 0);
    });
  }

  /** Greatest timestamp in what is left of a cut segment, given the last time index entry that is left. */
  async maxTimestampAfterCut(segment: Segment, last: TimeEntry | null): Promise<TimeEntry> {
    let newest = last ?? noTimestamp(segment.baseOffset);
    if (segment.writtenBytes === 0) return newest;
    // Whenever an offset entry is made, the time index has the greatest timestamp so far: only what follows is new.
    const from = (await segment.offsetIndex.lookup(segment.endOffset))?.position ?? 0;
    await this.#shared.files.useExisting(segment.path, (file) =>
      scanBatches(file, { from, to: segment.writtenBytes }, (bytes, at) => {
        const timestampMs = maxTimestampOf(bytes, at);
        if (timestampMs > newest.timestampMs) newest = { timestampMs, offset: lastOffsetOf(bytes, at) };
        return true;
      }),
    );
    return newest;
  }

  /** The first record at or above `from` whose timestamp is at least `target`. */
  async offsetForTimestamp(
    segments: readonly Segment[],
    target: TimestampMs,
    bounds: { from: Offset },
  ): Promise<FoundOffset | null> {
    for (const segment of segments) {
      if (segment.isEmpty || (await this.maxTimestamp(segment)).timestampMs < target) continue;
      const found = await this.#findByTimestamp(segment, target, bounds);
      if (found !== null) return found;
    }
    return null;
  }

  /** The first record at or above `from` with the greatest timestamp of all. */
  async offsetOfMaxTimestamp(segments: readonly Segment[], bounds: { from: Offset }): Promise<FoundOffset | null> {
    let newest: { segment: Segment; timestampMs: TimestampMs } | null = null;
    for (const segment of segments) {
      if (segment.isEmpty) continue;
      const { timestampMs } = await this.maxTimestamp(segment);
      if (timestampMs < 0) continue;
      if (newest === null || timestampMs > newest.timestampMs) newest = { segment, timestampMs };
    }
    return newest === null ? null : await this.#findByTimestamp(newest.segment, newest.timestampMs, bounds);
  }

  async #findByTimestamp(segment: Segment, target: TimestampMs, bounds: { from: Offset }): Promise<FoundOffset | null> {
    await this.#ensureIndexes(segment);
    const entry = await segment.timeIndex.lookupBefore(target);
    const from = Math.max(bounds.from, entry === null ? segment.baseOffset : entry.offset + 1) as Offset;
    let found: FoundOffset | null = null;
    const look = (bytes: Uint8Array, at: number): boolean => {
      if (lastOffsetOf(bytes, at) < from || maxTimestampOf(bytes, at) < target) return true;
      for (const record of recordsOf(bytes, at)) {
        if (record.offset < bounds.from || record.timestamp < target) continue;
        found = { offset: record.offset, timestampMs: record.timestamp, leaderEpoch: leaderEpochOf(bytes, at) };
        return false;
      }
      return true;
    };
    const start = await this.#positionBefore(segment, from);
    const end = await this.#shared.files.useExisting(segment.path, (file) =>
      scanBatches(file, { from: start, to: segment.writtenBytes }, look),
    );
    if (end.kind === "bad" || end.kind === "short") throw corrupt(segment, end.position);
    return found;
  }
}

const corrupt = (segment: Segment, position: number): TidemarkError =>
  new TidemarkError("LOG_CORRUPT", `${segment.path} is damaged at byte ${position}; its replicas are asked instead`);

/** To read at first: of batches as long as the next one, as many as fit, and the header of the one after them. */
function firstReadBytes(maxBytes: number, batchBytes: number): number {
  const wantedBytes = Math.max(READ_BYTES_MIN, maxBytes);
  if (batchBytes === 0) return Math.min(READ_BYTES_MAX, wantedBytes);
  const count = Math.floor(Math.min(READ_BYTES_MAX - BATCH_HEADER_BYTES, wantedBytes) / batchBytes);
  return Math.max(1, count) * batchBytes + BATCH_HEADER_BYTES;
}

interface TakeLimits extends ReadLimits {
  /** Where the block was read from, and when. */
  readonly place: { readonly segment: Segment; readonly position: number; readonly nowMs: number };
}

type Taken =
  | {
      readonly kind: "batches";
      readonly start: number;
      readonly end: number;
      readonly nextOffset: Offset;
      /** Size of the batch at `end`; 0 when its header is not in the block, or makes no sense. */
      readonly nextBytes: number;
    }
  | { readonly kind: "none"; readonly at: number; readonly needBytes: number }
  | { readonly kind: "bad"; readonly at: number };

/** The batches of `block` that a read from `from` on may have, verified; `none` when the first of them is cut off. */
function takeBatches(block: Uint8Array, from: Offset, limits: TakeLimits): Taken {
  let at = 0;
  let end = batchEnd(block, at, block.length);
  while (end > 0 && lastOffsetOf(block, at) < from) {
    at = end;
    end = batchEnd(block, at, block.length);
  }
  if (end < 0) {
    if (block.length - at < BATCH_HEADER_BYTES) return { kind: "none", at, needBytes: READ_BYTES_MIN };
    const sizeBytes = sizeBytesOf(block, at);
    const isSane = sizeBytes > block.length - at && sizeBytes <= BATCH_BYTES_MAX;
    return isSane ? { kind: "none", at, needBytes: sizeBytes + BATCH_HEADER_BYTES } : { kind: "bad", at };
  }
  const start = at;
  let nextOffset = from;
  while (end > 0 && lastOffsetOf(block, at) < limits.endOffset && (at === start || end - start <= limits.maxBytes)) {
    if (!isIntact(block, { at, end }, limits.place)) return { kind: "bad", at };
    nextOffset = (lastOffsetOf(block, at) + 1) as Offset;
    at = end;
    end = batchEnd(block, at, block.length);
  }
  return { kind: "batches", start, end: at, nextOffset, nextBytes: sizeOfNext(block, at) };
}

/** Whether a batch is as it was written: by its checksum, unless that was verified lately. */
function isIntact(
  block: Uint8Array,
  { at, end }: { at: number; end: number },
  { segment, position, nowMs }: TakeLimits["place"],
): boolean {
  const { written, read } = segment.verified;
  const [from, to] = [position + at, position + end];
  if (written.holds(from, to, nowMs) || read.holds(from, to, nowMs)) return true;
  const isValid = hasValidCrc(block, at);
  if (isValid) read.extend(from, to, nowMs);
  return isValid;
}

function sizeOfNext(block: Uint8Array, at: number): number {
  if (block.length - at < BATCH_HEADER_BYTES) return 0;
  const sizeBytes = sizeBytesOf(block, at);
  return sizeBytes >= BATCH_HEADER_BYTES && sizeBytes <= BATCH_BYTES_MAX ? sizeBytes : 0;
}
