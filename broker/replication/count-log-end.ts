import type { BrokerEpoch, LeaderEpoch, Offset } from "../base/ids.ts";
import type { LogEndStatement } from "./progress.ts";

/** What the leader holds a follower's statement against. */
export interface CountingContext {
  readonly leaderEpoch: LeaderEpoch;
  /** Of the follower's process, as in the leader's metadata. */
  readonly brokerEpoch: BrokerEpoch;
  /** The opening that the statement belongs to found no divergence. */
  readonly isAligned: boolean;
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
  // Nothing of the leader's is left below its log start to compare with, and nothing there can be read.
  if (statement.logEnd <= context.logStart || statement.lastEpoch === -1) return statement.logEnd <= context.logStart;
  return statement.lastEpoch === context.epochBefore;
}
