import { FakeClock } from "../../base/testing/fake-clock.ts";
import { type LeaderEpoch, type Offset, offset, type TopicId } from "../../base/ids.ts";
import { silent } from "../../base/logging.ts";
import type { Random } from "../../base/random.ts";
import { buildBatch } from "../../wire/record-batch-builder.ts";
import { batchPositions, type CompressionName, lastOffsetOf } from "../../wire/record-batch.ts";
import { recordsOf } from "../../wire/record-batch-records.ts";
import type { Compactor } from "../../ports/compactor.ts";
import type { Disk } from "../../ports/disk.ts";
import type { CompactionRequest, CompactionRun } from "../log-compaction.ts";
import { defaultLogConfig, type LogConfig } from "../log-config.ts";
import type { Checkpoint, Recovery } from "../log-recovery.ts";
import { PartitionLog } from "../partition-log.ts";
import { SegmentCleaner } from "../segment-cleaner.ts";
import { SharedStorage } from "../shared-storage.ts";
import { MemoryDisk } from "./memory-disk.ts";

export const TOPIC_ID = "0123456789abcdef0123456789abcdef" as TopicId;
export const FOLDER = "orders-0";

/** A log on a disk in memory that can be crashed and opened again. */
export class LogFixture {
  readonly disk = new MemoryDisk();
  readonly clock = new FakeClock();
  readonly config: LogConfig;
  log!: PartitionLog;
  recovery!: Recovery;
  failures: unknown[] = [];
  #mounted: Disk = this.disk;

  constructor(config: Partial<LogConfig> = {}) {
    this.config = { ...defaultLogConfig, ...config };
  }

  async open(options: { checkpoint?: Checkpoint | null; isCleanStart?: boolean } = {}): Promise<PartitionLog> {
    const disk = this.disk.mount();
    this.#mounted = disk;
    const { log, recovery } = await PartitionLog.open({
      disk,
      folder: FOLDER,
      topicId: TOPIC_ID,
      clock: this.clock,
      logger: silent,
      config: this.config,
      checkpoint: options.checkpoint ?? null,
      isCleanStart: options.isCleanStart ?? false,
      shared: new SharedStorage(disk),
    });
    this.log = log;
    this.recovery = recovery;
    const failures: unknown[] = [];
    this.failures = failures;
    log.onFailure = (error) => failures.push(error);
    return log;
  }

  /** What the broker's checkpoint files would say now. */
  get checkpoint(): Checkpoint {
    const { recoveryPoint, logStart, compaction } = this.log;
    return { recoveryPoint, logStart, cleanedEnd: compaction.cleanedEnd };
  }

  /** Appends one batch of `values` in `epoch`. */
  append(values: readonly string[], options: AppendOptions = {}): Offset {
    const batch = batchOf(values, options);
    const stamp = { leaderEpoch: (options.epoch ?? 0) as LeaderEpoch, nowMs: this.clock.now() };
    return this.log.appendAsLeader(batch, stamp).lastOffset;
  }

  /** Appends one batch of records with keys; a value of null is a tombstone. */
  appendKeyed(records: readonly (readonly [key: string, value: string | null])[], options: KeyedOptions = {}): Offset {
    const timestamp = options.timestamp ?? this.clock.now();
    const { compression, producer } = options;
    const batch = buildBatch(
      records.map(([key, value]) => ({ key, value, timestamp })),
      { ...(compression === undefined ? {} : { compression }), ...(producer === undefined ? {} : { producer }) },
    );
    const stamp = { leaderEpoch: (options.epoch ?? 0) as LeaderEpoch, nowMs: this.clock.now() };
    return this.log.appendAsLeader(batch, stamp).lastOffset;
  }

  /** What compacts here. */
  cleaner(): SegmentCleaner {
    return new SegmentCleaner(this.#mounted, this.clock);
  }

  /** Compacts everything in closed segments; all of it is committed. */
  async compact(
    options: Partial<CompactionRequest> = {},
    compactor: Compactor = this.cleaner(),
  ): Promise<CompactionRun> {
    return await this.log.compaction.run(compactor, {
      highWatermark: this.log.writtenEnd,
      nowMs: this.clock.now(),
      keyBytesMax: 1 << 20,
      hashKey: [1, 2, 3, 4],
      bytesPerSecond: Number.MAX_SAFE_INTEGER,
      ...options,
    });
  }

  /** Resolves when everything appended is written. */
  async written(): Promise<void> {
    for (let turn = 0; this.log.writtenEnd < this.log.logEnd; turn++) {
      if (turn > 10_000 || this.failures.length > 0)
        throw new Error("the log is not written", { cause: this.failures[0] });
      await this.clock.advance(0);
    }
  }

  /** All values from `from` on, read as a consumer would, off the disk where memory has let go. */
  async values(from: Offset = this.log.logStart): Promise<string[]> {
    return valuesOf(await this.readAll(from));
  }

  async readAll(from: Offset = this.log.logStart, maxBytes = 100_000): Promise<Uint8Array[]> {
    const all: Uint8Array[] = [];
    for (let at = from; at < this.log.logEnd; ) {
      const views = await this.log.read(at, { endOffset: this.log.logEnd, maxBytes });
      if (views.length === 0) throw new Error(`nothing at ${at}`);
      all.push(...views);
      at = endOf(views.at(-1)!);
    }
    return all;
  }
}

export interface AppendOptions {
  readonly epoch?: number;
  readonly timestamp?: number;
  readonly producer?: { readonly id: number; readonly epoch: number; readonly baseSequence: number };
}

export interface KeyedOptions extends AppendOptions {
  readonly compression?: CompressionName;
}

export function batchOf(values: readonly string[], options: AppendOptions = {}): Uint8Array {
  const timestamp = options.timestamp ?? 1000;
  const records = values.map((value) => ({ value, timestamp }));
  return buildBatch(records, options.producer === undefined ? {} : { producer: options.producer });
}

export function valuesOf(views: readonly Uint8Array[]): string[] {
  const values: string[] = [];
  for (const view of views) {
    for (const at of batchPositions(view)) {
      for (const record of recordsOf(view, at)) values.push(Buffer.from(record.value ?? []).toString());
    }
  }
  return values;
}

/** Offset after the last record of `view`. */
export function endOf(view: Uint8Array): Offset {
  let end = 0;
  for (const at of batchPositions(view)) end = lastOffsetOf(view, at) + 1;
  return offset(end);
}

/** A small generator for tests: mulberry32. */
export function seededRandom(seed: number): Random {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return { next, id: () => next().toString(16).padEnd(32, "0").slice(0, 32) };
}
