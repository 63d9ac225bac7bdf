import type { LeaderEpoch, Offset } from "../base/ids.ts";
import {
  baseOffsetOf,
  emptyBatch,
  isPlaceholder,
  lastOffsetOf,
  leaderEpochOf,
  maxTimestampOf,
} from "../wire/record-batch.ts";
import { CLEANED_SUFFIX, segmentNames } from "./file-names.ts";
import { noTimestamp, Segment } from "./segment.ts";
import type { SharedStorage } from "./shared-storage.ts";
import type { TimeEntry } from "./time-index.ts";

const INT32_MAX = 2 ** 31 - 1;
const PENDING_ENTRIES_MAX = 4096;
/** Synced piece by piece, so that no sync is long and others' syncs do not wait for it. */
const UNSYNCED_BYTES_MAX = 16 * 1024 * 1024;

/** What was written, as the new segment's owner has to know it. */
export interface CleanedSegment {
  readonly sizeBytes: number;
  readonly maxTimestamp: TimeEntry;
}

/**
 * Writes the `.cleaned` files of one segment with its indexes: batches come one behind the other without a gap, and
 * neighbouring placeholders of one leader epoch become one.
 */
export class CleanedWriter {
  readonly #shared: SharedStorage;
  readonly #segment: Segment;
  readonly #indexIntervalBytes: number;
  #chunks: Uint8Array[] = [];
  #chunkBytes = 0;
  #writtenBytes = 0;
  #unsyncedBytes = 0;
  #gap: { readonly baseOffset: Offset; lastOffset: Offset; readonly leaderEpoch: LeaderEpoch } | null = null;
  /** Whether two placeholders became one. */
  hasMerged = false;

  /** Makes way for the files: what a run before this one left there goes. */
  static async begin(
    shared: SharedStorage,
    options: { folder: string; baseOffset: Offset; indexIntervalBytes: number },
  ): Promise<CleanedWriter> {
    const { folder, baseOffset } = options;
    for (const name of segmentNames(baseOffset)) await shared.disk.remove(`${folder}/${name}${CLEANED_SUFFIX}`);
    return new CleanedWriter(shared, options);
  }

  private constructor(
    shared: SharedStorage,
    { folder, baseOffset, indexIntervalBytes }: { folder: string; baseOffset: Offset; indexIntervalBytes: number },
  ) {
    this.#shared = shared;
    this.#indexIntervalBytes = indexIntervalBytes;
    this.#segment = new Segment(shared, {
      folder,
      baseOffset,
      endOffset: baseOffset,
      isNew: true,
      nowMs: 0,
      suffix: CLEANED_SUFFIX,
    });
  }

  /** Bytes that wait for `flush`. */
  get pendingBytes(): number {
    return this.#chunkBytes;
  }

  /** Adds one batch, which may be kept until the next `flush`. */
  add(batch: Uint8Array): void {
    if (isPlaceholder(batch, 0)) return this.addGap(batch);
    this.#endGap();
    this.#push(batch);
  }

  /** Adds the place of a batch whose records are gone. */
  addGap(batch: Uint8Array): void {
    const [lastOffset, leaderEpoch] = [lastOffsetOf(batch, 0), leaderEpochOf(batch, 0)];
    const open = this.#gap;
    if (open !== null && open.leaderEpoch === leaderEpoch && lastOffset - open.baseOffset <= INT32_MAX) {
      open.lastOffset = lastOffset;
      this.hasMerged = true;
      return;
    }
    this.#endGap();
    this.#gap = { baseOffset: baseOffsetOf(batch, 0), lastOffset, leaderEpoch };
  }

  #endGap(): void {
    if (this.#gap === null) return;
    this.#push(emptyBatch(this.#gap));
    this.#gap = null;
  }

  #push(batch: Uint8Array): void {
    this.#segment.note(
      { lastOffset: lastOffsetOf(batch, 0), maxTimestampMs: maxTimestampOf(batch, 0), sizeBytes: batch.length },
      this.#indexIntervalBytes,
    );
    this.#chunks.push(batch);
    this.#chunkBytes += batch.length;
  }

  /** Writes what waits. */
  async flush(): Promise<void> {
    const segment = this.#segment;
    if (this.#chunkBytes > 0) {
      const chunks = this.#chunks;
      await this.#shared.files.use(segment.path, { create: true }, (file) => file.write(chunks, this.#writtenBytes));
      this.#writtenBytes += this.#chunkBytes;
      this.#unsyncedBytes += this.#chunkBytes;
      this.#chunks = [];
      this.#chunkBytes = 0;
    }
    if (segment.offsetIndex.file.pendingCount >= PENDING_ENTRIES_MAX) await segment.persistIndexes();
    if (this.#unsyncedBytes >= UNSYNCED_BYTES_MAX) await this.#sync();
  }

  async #sync(): Promise<void> {
    this.#unsyncedBytes = 0;
    await this.#shared.files.useExisting(this.#segment.path, (file) => file.sync());
  }

  /** Writes and syncs all of it. */
  async finish(): Promise<CleanedSegment> {
    this.#endGap();
    await this.flush();
    const segment = this.#segment;
    segment.seal();
    await this.#sync();
    await segment.syncIndexes();
    // Kafka's tools look for both beside a log, also where there was nothing to put into one.
    for (const { file } of [segment.offsetIndex, segment.timeIndex]) {
      await this.#shared.files.use(file.path, { create: true }, async () => undefined);
    }
    return { sizeBytes: segment.sizeBytes, maxTimestamp: segment.maxTimestamp ?? noTimestamp(segment.baseOffset) };
  }

  /** Removes the files. */
  async discard(): Promise<void> {
    const { path, offsetIndex, timeIndex } = this.#segment;
    for (const name of [path, offsetIndex.file.path, timeIndex.file.path]) {
      await this.#shared.files.forget(name);
      await this.#shared.disk.remove(name);
    }
  }
}
