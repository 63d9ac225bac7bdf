import type { BrokerEpoch, Offset } from "../base/ids.ts";

export interface JoinCandidate {
  /** As it counts in this leader epoch; null when it gave none. */
  readonly logEnd: Offset | null;
  readonly isAligned: boolean;
  /** It last had everything longer ago than `replica.lag.time.max.ms`: as a member it would be removed. */
  readonly isLagging: boolean;
  readonly brokerEpoch: BrokerEpoch;
  /** Of its process in the leader's metadata; −1 when unknown. */
  readonly brokerEpochInMetadata: BrokerEpoch;
  readonly isFenced: boolean;
  readonly isShuttingDown: boolean;
}

/**
 * Whether a follower may be proposed for the ISR: it has all that is committed *and* all up to the start of the
 * leader's epoch. The second matters while the high watermark lags behind a new leader: records before that start may
 * have been acknowledged under the old leader, and every member must hold them.
 * Source: KIP-497, KIP-903; Kafka's `isReplicaIsrEligible` and `isFollowerInSync`.
 */
export function mayJoinIsr(
  candidate: JoinCandidate,
  leader: { readonly highWatermark: Offset; readonly epochStart: Offset },
): boolean {
  const { logEnd } = candidate;
  if (candidate.isFenced || candidate.isShuttingDown || !candidate.isAligned) return false;
  if (candidate.isLagging || candidate.brokerEpoch !== candidate.brokerEpochInMetadata) return false;
  return logEnd !== null && logEnd >= leader.highWatermark && logEnd >= leader.epochStart;
}
