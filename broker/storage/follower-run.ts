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
  maxTimestampOf,
} from "../wire/record-batch.ts";
import type { BatchPlace } from "./segment.ts";

export type FollowerAppend =
  | { readonly kind: "appended" }
  | { readonly kind: "corrupt"; readonly reason: string }
  | { readonly kind: "gap" };

/** Consecutive batches of one piece of memory that go into one segment. */
export interface Run {
  readonly bytes: Uint8Array;
  /** Where each batch ends. */
  readonly ends: number[];
  readonly lastOffsets: Offset[];
}

/** Hands the batches of `bytes`, which are whole, to `append` in runs, with a `roll` between two of them. */
export function splitRuns(
  bytes: Uint8Array,
  log: {
    mustRoll(batch: BatchPlace, pendingBytes: number): boolean;
    roll(): void;
    append(run: Run): void;
  },
): void {
  let start = 0;
  let ends: number[] = [];
  let lastOffsets: Offset[] = [];
  const append = (end: number): void => {
    if (ends.length > 0) log.append({ bytes: bytes.subarray(start, end), ends, lastOffsets });
  };
  for (let at = 0; at < bytes.length; ) {
    const end = batchEnd(bytes, at, bytes.length);
    const lastOffset = lastOffsetOf(bytes, at);
    const place = { lastOffset, maxTimestampMs: maxTimestampOf(bytes, at), sizeBytes: end - at };
    if (log.mustRoll(place, at - start)) {
      append(at);
      log.roll();
      start = at;
      ends = [];
      lastOffsets = [];
    }
    ends.push(end - start);
    lastOffsets.push(lastOffset);
    at = end;
  }
  append(bytes.length);
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
