import type { LeaderEpoch, Offset } from "../base/ids.ts";

/** Where a log ends, as far as it is counted: what replication's decisions see of it. */
export interface LogEndView {
  /** Next offset of all that was appended, written or not. */
  readonly logEnd: Offset;
  /** Next offset of what `write` has returned for; of what is synced under `flush.messages=1`. */
  readonly durableEnd: Offset;
}

/** What names the last record before an offset. */
export interface EpochLookup {
  /** Of the first record that is still there. */
  readonly copyStart: Offset;
  readonly logEnd: Offset;
  epochAt(offset: Offset): LeaderEpoch;
}

/**
 * Leader epoch of the last record below `end`; −1 when the log has none. Not the newest epoch started: an epoch
 * without records says nothing of what the log holds.
 */
export function epochBefore(log: EpochLookup, end: Offset): LeaderEpoch {
  if (end <= log.copyStart || end > log.logEnd) return -1 as LeaderEpoch;
  return log.epochAt((end - 1) as Offset);
}
