import type { WrittenRecord } from "../../wire/record-batch-writer.ts";
import type { Format } from "./media-types.ts";

/** One record as a request gives it, its bytes as they will be stored. */
export interface IncomingRecord extends Omit<WrittenRecord, "timestamp"> {
  /** Null: by the key, or any. */
  readonly partition: number | null;
  /** Milliseconds since 1970; null: now. */
  readonly timestamp: number | null;
}

/** Why a record cannot be taken, in words that go on after its place: `must …`, `has …`. */
export class RecordFault {
  readonly says: string;

  constructor(says: string) {
    this.says = says;
  }
}

export const isFault = (value: unknown): value is RecordFault => value instanceof RecordFault;

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/;
const PARTITION_MAX = 0x7fff_ffff;

/** Key or value in the embedded format; null and absent are null. */
export function bytesIn(format: Format, field: "key" | "value", given: unknown): Buffer | null | RecordFault {
  if (given === undefined || given === null) return null;
  if (format === "json") return Buffer.from(JSON.stringify(given), "utf8");
  if (typeof given !== "string") return new RecordFault(`${field} must be a string or null in format ${format}`);
  return format === "text" ? Buffer.from(given, "utf8") : fromBase64(field, given);
}

export function fromBase64(field: string, text: string): Buffer | RecordFault {
  const isSound = BASE64.test(text) && text.replace(/=+$/, "").length % 4 !== 1;
  return isSound ? Buffer.from(text, "base64") : new RecordFault(`${field} contains invalid base64 encoding`);
}

/** A record's own partition; null when it names none. */
export function partitionIn(given: unknown): number | null | RecordFault {
  if (given === undefined || given === null) return null;
  const isWhole = typeof given === "number" && Number.isInteger(given) && given >= 0 && given <= PARTITION_MAX;
  return isWhole ? given : new RecordFault("partition must be a whole number from 0 on");
}
