import type { LeaderEpoch, Offset } from "../base/ids.ts";
import type { EpochEnd } from "../storage/leader-epoch-cache.ts";

/** What a leader answers to a follower that opens with (last epoch, log end). */
export type Alignment =
  /** The follower's log is a prefix of the leader's: pushing starts at its end. */
  | { readonly kind: "aligned" }
  /** It is not: `end` is the greatest epoch not above the follower's that the leader has, and where it ends. */
  | { readonly kind: "diverged"; readonly end: EpochEnd }
  /** Nothing in common is left: the follower empties its log and starts where a copy of the leader's begins. */
  | { readonly kind: "restart"; readonly copyStart: Offset };

export interface LeaderLogView {
  /** Of the first record that is still there. */
  readonly copyStart: Offset;
  readonly logEnd: Offset;
  /** Of the first record that is left, or of the leader's own epoch when none is. */
  readonly firstEpoch: LeaderEpoch;
  readonly lastEpoch: LeaderEpoch;
  endOffsetFor(epoch: LeaderEpoch): EpochEnd;
}

/** Compares an opening follower's log with the leader's (KIP-101, KIP-279). */
export function alignmentOf(
  leader: LeaderLogView,
  follower: { readonly lastEpoch: LeaderEpoch; readonly logEnd: Offset },
): Alignment {
  const { copyStart, logEnd } = leader;
  const restart: Alignment = { kind: "restart", copyStart };
  if (follower.logEnd < copyStart) return restart;
  // An empty log holds nothing that could differ.
  if (follower.lastEpoch < 0) return follower.logEnd <= logEnd ? { kind: "aligned" } : restart;
  if (follower.lastEpoch < leader.firstEpoch) return follower.logEnd === copyStart ? { kind: "aligned" } : restart;
  const end = leader.endOffsetFor(follower.lastEpoch);
  // Above everything the leader knows: the comparison goes on from the leader's newest epoch.
  if (end.epoch < 0) return { kind: "diverged", end: { epoch: leader.lastEpoch, endOffset: logEnd } };
  if (end.epoch === follower.lastEpoch && follower.logEnd <= end.endOffset) return { kind: "aligned" };
  return { kind: "diverged", end };
}
