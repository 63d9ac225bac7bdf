import type { Offset } from "../base/ids.ts";

export interface HighWatermarkInput {
  readonly previous: Offset;
  /** Of the leader itself, as it counts (counted-end.ts). */
  readonly leaderEnd: Offset;
  /** Of every other replica that bounds the mark (high-watermark-members.ts); null = gave none in this epoch. */
  readonly followerEnds: readonly (Offset | null)[];
  /** Size of the committed ISR, and the row's minIsr. */
  readonly isrSize: number;
  readonly minIsr: number;
}

/**
 * The offset below which every record is on all in-sync replicas. It stands still while the ISR is below minIsr, for
 * records sent with acks=1, too: an election from the remaining ones must not lose what a consumer saw.
 *
 * @returns offset, exclusive; never below `previous` (Invariant: previous ≤ result).
 * Source: KIP-497, KIP-966.
 */
export function nextHighWatermark(input: HighWatermarkInput): Offset {
  if (input.isrSize < input.minIsr) return input.previous;
  let least = input.leaderEnd;
  for (const end of input.followerEnds) {
    if (end === null) return input.previous;
    if (end < least) least = end;
  }
  return least > input.previous ? least : input.previous;
}
