import type { Offset, PartitionIndex, TopicId } from "../base/ids.ts";
import type { LogConfig } from "../storage/log-config.ts";
import type { PartitionLog } from "../storage/partition-log.ts";

/** A partition's folder, opened. */
export interface StoredPartition {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: PartitionIndex;
  readonly log: PartitionLog;
  /** As checkpointed; 0 when it was not. */
  readonly highWatermark: Offset;
  /** Recovery cut more than an incomplete last write, or the log ends below the checkpointed high watermark. */
  readonly isDamaged: boolean;
}

/** Names a partition's folder before it is opened. */
export interface StoredName {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: PartitionIndex;
}

/** What checkpoints are written from. */
export interface CheckpointSource extends StoredName {
  readonly highWatermark: Offset;
  readonly log: PartitionLog;
}

/**
 * The partitions in a broker's data folder. Calls for one folder come one after the other. Failures reject with
 * TidemarkError and end the process.
 */
export interface LogStore {
  /** Opens and recovers every partition that is there. Called once, before anything else. */
  recover(configOf: (topic: string) => LogConfig): Promise<StoredPartition[]>;
  /** Opens a partition's folder, made when missing. */
  open(name: StoredName, config: LogConfig): Promise<StoredPartition>;
  /** Removes the folder of a log that was closed. */
  remove(name: StoredName): Promise<void>;
  /** Keeps the folder of a log that was closed, under a name by which nobody serves it. */
  setAside(name: StoredName): Promise<void>;
  /** Writes the checkpoints of all partitions. */
  checkpoint(partitions: readonly CheckpointSource[]): Promise<void>;
}
