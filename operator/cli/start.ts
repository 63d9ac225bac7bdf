import { TidemarkError } from "#base/errors.ts";
import { momentOf } from "./times.ts";

/** Where to start in every partition. */
export type Start =
  | { readonly kind: "beginning" }
  | { readonly kind: "end" }
  | { readonly kind: "offset"; readonly offset: bigint }
  /** So many records before the end. */
  | { readonly kind: "beforeEnd"; readonly records: bigint }
  /** At the first record of that time or later. */
  | { readonly kind: "time"; readonly timestampMs: bigint };

/** What is known of a partition before it is read. */
export interface Bounds {
  readonly beginning: bigint;
  readonly end: bigint;
  /** First record of the wished time or later, else the end. */
  readonly atTime: bigint;
}

/**
 * Reads `--offset`: beginning, end, an offset, or -N from the end.
 * @param option  The name that was used, for messages.
 * @throws TidemarkError BAD_INPUT
 */
export function offsetStart(text: string, option: string): Start {
  if (text === "beginning" || text === "end") return { kind: text };
  if (/^[0-9]{1,18}$/.test(text)) return { kind: "offset", offset: BigInt(text) };
  if (/^-[0-9]{1,18}$/.test(text)) return { kind: "beforeEnd", records: -BigInt(text) };
  throw new TidemarkError("BAD_INPUT", `${option} ${text}: it must be beginning, end, an offset, or -N from the end`);
}

/** Reads `--from-time`. @throws TidemarkError BAD_INPUT */
export function timeStart(text: string, nowMs: number): Start {
  const timestampMs = momentOf(text, nowMs);
  if (timestampMs !== null) return { kind: "time", timestampMs: BigInt(Math.max(0, timestampMs)) };
  const forms = "a time as 2026-11-28T12:00:00Z, milliseconds since 1970, or how long ago as -90s, -15m, -1h, -2d";
  throw new TidemarkError("BAD_INPUT", `--from-time ${text}: it must be ${forms}`);
}

/** Where that is in one partition: never before its beginning; an offset beyond the end is left as it is. */
export function startIn(start: Start, { beginning, end, atTime }: Bounds): bigint {
  const wished = (): bigint => {
    switch (start.kind) {
      case "beginning":
        return beginning;
      case "end":
        return end;
      case "offset":
        return start.offset;
      case "beforeEnd":
        return end - start.records;
      case "time":
        return atTime;
    }
  };
  const offset = wished();
  return offset < beginning ? beginning : offset;
}
