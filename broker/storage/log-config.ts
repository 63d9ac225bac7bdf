/** What is in force for one partition's log. Numbers; −1 (or Infinity) means unlimited where Kafka's key allows it. */
export interface LogConfig {
  /** `segment.bytes`: a batch that would make a segment larger goes into a new one. */
  readonly segmentBytes: number;
  /** `segment.ms`: an append rolls when the segment's first batch is older. */
  readonly segmentMs: number;
  /** `segment.index.bytes`: a segment rolls when its offset index would exceed this. */
  readonly segmentIndexBytes: number;
  /** `index.interval.bytes`: one index entry for about every so many bytes of log. */
  readonly indexIntervalBytes: number;
  /** `cleanup.policy` names `compact`. */
  readonly isCompacted: boolean;
  /** `cleanup.policy` names `delete`: retention removes old segments. */
  readonly deletesOld: boolean;
  /** `min.cleanable.dirty.ratio`: compaction waits until so much of a log never was compacted. */
  readonly minCleanableDirtyRatio: number;
  /** `min.compaction.lag.ms`: a record stays at least so long, superseded or not. */
  readonly minCompactionLagMs: number;
  /** `max.compaction.lag.ms`: a record is compacted at the latest so long after, whatever the ratio. */
  readonly maxCompactionLagMs: number;
  /** `delete.retention.ms`: a tombstone stays so long after it was first compacted. */
  readonly deleteRetentionMs: number;
  /** `retention.ms`; −1 = for ever. */
  readonly retentionMs: number;
  /** `retention.bytes`; −1 = without bound. */
  readonly retentionBytes: number;
  /** `flush.messages`: 1 = every ack waits for fdatasync; n = sync after n records. */
  readonly flushMessages: number;
  /** `flush.ms`: sync at the latest so long after a write; −1 or a huge number = never by time. */
  readonly flushMs: number;
  /** `file.delete.delay.ms`: a segment removed by retention stays on disk so long, renamed. */
  readonly fileDeleteDelayMs: number;
  readonly timestampType: "CreateTime" | "LogAppendTime";
}

/** Whether a record counts as written only once it is synced. */
export const mustSync = ({ flushMessages }: LogConfig): boolean => flushMessages === 1;

/** Kafka's defaults. */
export const defaultLogConfig: LogConfig = {
  segmentBytes: 1_073_741_824,
  segmentMs: 604_800_000,
  segmentIndexBytes: 10_485_760,
  indexIntervalBytes: 4096,
  isCompacted: false,
  deletesOld: true,
  minCleanableDirtyRatio: 0.5,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  deleteRetentionMs: 86_400_000,
  retentionMs: 604_800_000,
  retentionBytes: -1,
  flushMessages: Number.MAX_SAFE_INTEGER,
  flushMs: Number.MAX_SAFE_INTEGER,
  fileDeleteDelayMs: 60_000,
  timestampType: "CreateTime",
};
