import type { Clock } from "../base/clock.ts";
import type { LeaderEpoch, Offset, TimestampMs, TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type { Disk } from "../ports/disk.ts";
import type { LogConfig } from "./log-config.ts";

export interface OpenOptions {
  readonly disk: Disk;
  /** Folder of the partition below the data folder: `<topic>-<partition>`. Made when missing. */
  readonly folder: string;
  readonly topicId: TopicId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: LogConfig;
  /** What the broker's checkpoint files say; null when they do not name this partition. */
  readonly checkpoint: { readonly recoveryPoint: Offset; readonly logStart: Offset } | null;
  /** The clean-stop marker of the last incarnation was there: nothing is scanned. */
  readonly isCleanStart: boolean;
  /** Bounds shared by all logs of a broker; a private one when left out. */
  readonly shared?: SharedStorage;
}

export interface Recovery {
  /** Bytes of log removed at the end. */
  readonly cutBytes: number;
  /** More than an incomplete last write was cut: this broker may have lost what it had acknowledged. */
  readonly isDamaged: boolean;
  /** Bytes of log read to find out. 0 after a clean stop. */
  readonly scannedBytes: number;
}

export interface AppendedBatch {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** −1 with CreateTime. */
  readonly logAppendTimeMs: number;
}

export type FollowerAppend =
  | { readonly kind: "appended" }
  | { readonly kind: "corrupt"; readonly reason: string }
  | { readonly kind: "gap" };

export interface FoundOffset {
  readonly offset: Offset;
  readonly timestampMs: TimestampMs;
  readonly leaderEpoch: LeaderEpoch;
}

export interface EpochEnd {
  readonly epoch: LeaderEpoch;
  readonly endOffset: Offset;
}

export declare class SharedStorage {
  constructor(disk: Disk, limits?: { openFilesMax?: number; tailBytesMax?: number; indexBytesMax?: number });
  close(): Promise<void>;
}

export type ProducerCheck =
  | { readonly kind: "append" }
  | {
      readonly kind: "duplicate";
      readonly baseOffset: Offset;
      readonly lastOffset: Offset;
      readonly timestampMs: TimestampMs;
    }
  | { readonly kind: "refused"; readonly errorCode: number };

export declare class ProducerStates {
  /** What Kafka's rules say of the batch at `at` in `bytes`. Batches without a producer id always append. */
  check(bytes: Uint8Array, at: number): ProducerCheck;
}

/** One partition's log on disk. */
export declare class PartitionLog {
  static open(options: OpenOptions): Promise<{ log: PartitionLog; recovery: Recovery }>;
  readonly folder: string;
  readonly topicId: TopicId;
  /** First offset readers may ask for. */
  readonly logStart: Offset;
  /** Offset of the next record: everything below is appended, in memory at least. */
  readonly logEnd: Offset;
  /** Everything below was handed to the page cache: the `write` has returned. */
  readonly writtenEnd: Offset;
  /** Everything below was synced: the `fdatasync` has returned. */
  readonly syncedEnd: Offset;
  /** The log end that counts for acks: `syncedEnd` under flush.messages=1, else `writtenEnd`. Falls only by truncation. */
  readonly durableEnd: Offset;
  /** Everything below is synced together with its index entries, epochs and producer state. */
  readonly recoveryPoint: Offset;
  /** Epoch of the newest record or of the newest `startEpoch`; −1 when neither. */
  readonly lastEpoch: LeaderEpoch;
  readonly producers: ProducerStates;
  /** Bytes of all segments. */
  readonly sizeBytes: number;
  /** Bytes appended and not yet written: whoever appends without waiting for acks must bound this. */
  readonly unwrittenBytes: number;
  /** Called after `durableEnd` moved because a write or sync returned. */
  onDurable: () => void;
  /** Called once when a write or sync failed: the process must end. */
  onFailure: (error: unknown) => void;
  configure(config: LogConfig): void;
  /** Bytes of the tail kept in memory for readers once written; followers may say 0. */
  setTailBytesMax(bytes: number): void;
  appendAsLeader(batch: Uint8Array, stamp: { leaderEpoch: LeaderEpoch; nowMs: number }): AppendedBatch;
  appendAsFollower(bytes: Uint8Array): FollowerAppend;
  startEpoch(epoch: LeaderEpoch): void;
  endOffsetFor(epoch: LeaderEpoch): EpochEnd;
  epochStart(epoch: LeaderEpoch): Offset | null;
  epochAt(offset: Offset): LeaderEpoch;
  readTail(from: Offset, options: { endOffset: Offset; maxBytes: number }): Uint8Array[] | null;
  read(from: Offset, options: { endOffset: Offset; maxBytes: number }): Promise<Uint8Array[]>;
  truncateTo(offset: Offset): Promise<void>;
  resetTo(offset: Offset): Promise<void>;
  advanceLogStart(offset: Offset): void;
  offsetForTimestamp(timestampMs: TimestampMs): Promise<FoundOffset | null>;
  offsetOfMaxTimestamp(): Promise<FoundOffset | null>;
  applyRetention(options: { highWatermark: Offset; nowMs: number }): Promise<number>;
  flush(): Promise<void>;
  close(): Promise<void>;
}
