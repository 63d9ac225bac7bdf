import type { LeaderEpoch, Offset } from "../base/ids.ts";
import {
  baseOffsetOf,
  batchEnd,
  hasValidCrc,
  lastOffsetDeltaOf,
  lastOffsetOf,
  leaderEpochOf,
  MAGIC_V2,
  magicOf,
} from "../wire/record-batch.ts";

export type FollowerAppend =
  | { readonly kind: "appended" }
  | { readonly kind: "corrupt"; readonly reason: string }
  | { readonly kind: "gap" };

/** Consecutive batches of one piece of memory that go into one segment. */
export interface Run {
  readonly start: number;
  /** Where each batch ends. */
  readonly ends: number[];
  readonly lastOffsets: Offset[];
}

/** What is wrong with batches from a leader for a log that ends at `logEnd` in epoch `epoch`; null when nothing is. */
export function faultOfRun(bytes: Uint8Array, log: { logEnd: Offset; epoch: LeaderEpoch }): FollowerAppend | null {
  let next: number = log.logEnd;
  let { epoch } = log;
  for (let at = 0; at < bytes.length; ) {
    const end = batchEnd(bytes, at, bytes.length);
    if (end < 0) return { kind: "corrupt", reason: "a batch is cut off" };
    if (magicOf(bytes, at) !== MAGIC_V2) return { kind: "corrupt", reason: `magic ${magicOf(bytes, at)}` };
    if (!hasValidCrc(bytes, at)) return { kind: "corrupt", reason: "the checksum is wrong" };
    if (lastOffsetDeltaOf(bytes, at) < 0) return { kind: "corrupt", reason: "the last offset is below the first" };
    if (baseOffsetOf(bytes, at) !== next) return { kind: "gap" };
    if (leaderEpochOf(bytes, at) < epoch) return { kind: "corrupt", reason: "the leader epoch falls" };
    epoch = leaderEpochOf(bytes, at);
    next = lastOffsetOf(bytes, at) + 1;
    at = end;
  }
  return null;
}
