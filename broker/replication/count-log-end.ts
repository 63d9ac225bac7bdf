import type { BrokerEpoch, LeaderEpoch, Offset } from "../base/ids.ts";
import type { LogEndStatement } from "./progress.ts";

/** What the leader holds a follower's statement against. */
export interface CountingContext {
  readonly leaderEpoch: LeaderEpoch;
  /** Of the follower's process, as in the leader's metadata. */
  readonly brokerEpoch: BrokerEpoch;
  /** The opening that the statement belongs to found no divergence. */
  readonly isAligned: boolean;
  /** Of the leader's first record that is still there, and of the first that can be read. */
  readonly copyStart: Offset;
  readonly logStart: Offset;
  readonly logEnd: Offset;
  /** Epoch of the leader's record before the stated log end; −1 when it has none. */
  readonly epochBefore: LeaderEpoch;
}

/**
 * Whether a follower's log end counts for the high watermark. It does only in the current leader epoch, after an
 * opening without divergence, from the process that the metadata knows, and when the last record named is the
 * leader's own: (epoch, offset) names one record for ever, so that all below is the same, too.
 */
export function countsLogEnd(statement: LogEndStatement, context: CountingContext): boolean {
  if (statement.leaderEpoch !== context.leaderEpoch) return false;
  if (!context.isAligned || statement.brokerEpoch !== context.brokerEpoch) return false;
  if (statement.logEnd > context.logEnd) return false;
  // The follower holds nothing: what it lacks must be what nobody can read any more.
  if (statement.lastEpoch === -1) return statement.logEnd <= context.logStart;
  // Nothing of the leader's is left below its first record to compare with.
  if (statement.logEnd <= context.copyStart) return true;
  return statement.lastEpoch === context.epochBefore;
}
