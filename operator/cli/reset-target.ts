import { TidemarkError } from "#base/errors.ts";
import { timeOf } from "./times.ts";

/** What is known of one partition when its offset is to be reset. */
export interface KnownOffsets {
  readonly beginning: bigint;
  readonly end: bigint;
  /** Null when nothing was committed. */
  readonly committed: bigint | null;
  /** First record of the wished time or later, else the end. */
  readonly atTime: bigint;
}

/** Where a group's offsets are to go. What would lie outside the log is moved to its nearer end. */
export type ResetTarget =
  | { readonly kind: "place"; offset(known: KnownOffsets): bigint }
  | { readonly kind: "time"; readonly timestampMs: bigint; offset(known: KnownOffsets): bigint };

/**
 * Reads `--to`: beginning, end, an offset, +N or -N from what is committed, or a time (ISO 8601; without a zone it is
 * local, a day alone is UTC).
 * @throws TidemarkError BAD_INPUT
 */
export function resetTarget(text: string): ResetTarget {
  if (text === "beginning") return { kind: "place", offset: ({ beginning }) => beginning };
  if (text === "end") return { kind: "place", offset: ({ end }) => end };
  if (/^[0-9]{1,18}$/.test(text)) return { kind: "place", offset: (known) => within(known, BigInt(text)) };
  if (/^[+-][0-9]{1,18}$/.test(text)) {
    return { kind: "place", offset: (known) => within(known, (known.committed ?? known.beginning) + BigInt(text)) };
  }
  const timestampMs = timeOf(text);
  if (timestampMs !== null) {
    // Below 0 brokers are asked for something else than a time.
    const sinceMs = BigInt(Math.max(0, timestampMs));
    return { kind: "time", timestampMs: sinceMs, offset: (known) => within(known, known.atTime) };
  }
  const forms = "beginning, end, an offset, +N or -N, or a time as 2026-11-28T12:00:00Z";
  throw new TidemarkError("BAD_INPUT", `--to ${text}: it must be ${forms}`);
}

const within = ({ beginning, end }: KnownOffsets, offset: bigint): bigint =>
  offset < beginning ? beginning : offset > end ? end : offset;
