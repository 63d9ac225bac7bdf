import type { LeaderEpoch } from "../base/ids.ts";

/** How a leader epoch that somebody named stands to the one in force here. */
export type EpochStanding = "current" | "stale" | "unknown";

/**
 * Fences by leader epoch. A stale epoch is never acted on: its leader was replaced. An unknown one is ahead of the
 * metadata here: whoever named it is asked to try again.
 */
export function leaderEpochStanding(epochs: { named: LeaderEpoch; current: LeaderEpoch }): EpochStanding {
  if (epochs.named === epochs.current) return "current";
  return epochs.named < epochs.current ? "stale" : "unknown";
}
