import type { Offset } from "../base/ids.ts";
import type { EpochEnd } from "../storage/leader-epoch-cache.ts";

export interface DivergentFollower {
  readonly logStart: Offset;
  readonly logEnd: Offset;
  readonly highWatermark: Offset;
  /** End, in the follower's own log, of the greatest epoch not above the one that the leader named. */
  readonly ownEnd: EpochEnd;
}

/** `isLoss`: the cut takes records that were committed here, which only an election outside ISR and ELR explains. */
export interface Cut {
  readonly offset: Offset;
  readonly isLoss: boolean;
}

/**
 * Where a follower cuts its log, given the greatest epoch that the leader shares with it and where that ends at the
 * leader. When the follower has no record of that epoch, it cuts to the end of its next lower one and asks again.
 * Never to the high watermark: what lies above may be committed, and what lies below may differ.
 * Source: KIP-101, KIP-279.
 */
export function truncationPoint(follower: DivergentFollower, leaderEnd: EpochEnd): Cut {
  const { ownEnd, logEnd, logStart, highWatermark } = follower;
  let offset = logStart;
  if (ownEnd.epoch === leaderEnd.epoch) {
    offset = ownEnd.endOffset < leaderEnd.endOffset ? ownEnd.endOffset : leaderEnd.endOffset;
  } else if (ownEnd.epoch >= 0) {
    offset = ownEnd.endOffset;
  }
  if (offset > logEnd) offset = logEnd;
  if (offset < logStart) offset = logStart;
  return { offset, isLoss: offset < highWatermark };
}
