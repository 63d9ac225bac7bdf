import { isUtf8 } from "node:buffer";
import type { Message } from "kafkajs";
import { TidemarkError } from "#base/errors.ts";
import type { Encodings } from "./format.ts";

const FIELDS = ["key", "value", "headers", "partition", "timestampMs"];
/** Where `tidemark consume` read a record says nothing of where it goes. */
const IGNORED = ["topic", "offset"];
const PARTITION_MAX = 2 ** 31 - 1;

/**
 * Reads one JSON object of a line, as `tidemark consume --format json` prints it: key, value, headers, partition,
 * timestampMs, none of them needed. A key or value that is absent or null is null.
 * @throws TidemarkError BAD_INPUT saying what is wrong with it.
 */
export function recordOfJson(line: Buffer, { key, value }: Encodings): Message {
  const fields = objectOf(line);
  const { headers, partition, timestampMs } = fields;
  if (!isNumber(partition, PARTITION_MAX)) throw wrong("partition must be a whole number from 0");
  if (!isNumber(timestampMs, Number.MAX_SAFE_INTEGER)) throw wrong("timestampMs must be a whole number from 0");
  return {
    key: bytesOf(fields, "key", key),
    value: bytesOf(fields, "value", value),
    ...(headers === undefined ? {} : { headers: headersOf(headers) }),
    ...(partition === undefined ? {} : { partition }),
    ...(timestampMs === undefined ? {} : { timestamp: String(timestampMs) }),
  };
}

function objectOf(line: Buffer): Record<string, unknown> {
  const value = isUtf8(line) ? parsed(line.toString()) : null;
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("it must be a JSON object");
  const unknown = Object.keys(value).find((name) => !FIELDS.includes(name) && !IGNORED.includes(name));
  if (unknown !== undefined) throw wrong(`unknown field ${unknown}; known: ${FIELDS.join(", ")}`);
  return value as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = Error.isError(cause) ? cause.message.split("\n", 1)[0] : String(cause);
    throw new TidemarkError("BAD_INPUT", `it is no JSON: ${reason}`, { cause });
  }
}

function bytesOf(fields: Record<string, unknown>, name: "key" | "value", encoding: Encodings["key"]): Buffer | null {
  const text = fields[name];
  if (text === undefined || text === null) return null;
  if (typeof text !== "string") throw wrong(`${name} must be a string, or null`);
  const bytes = Buffer.from(text, encoding);
  // Node stops at the first character that does not fit, without a word.
  const isWhole = encoding === "utf8" || sameText(bytes.toString(encoding), text);
  if (!isWhole) throw wrong(`${name} is no ${encoding}`);
  return bytes;
}

const sameText = (a: string, b: string): boolean =>
  a.toLowerCase().replace(/=+$/, "") === b.toLowerCase().replace(/=+$/, "");

const isNumber = (value: unknown, most: number): value is number | undefined =>
  value === undefined || (Number.isInteger(value) && Number(value) >= 0 && Number(value) <= most);

function headersOf(headers: unknown): Record<string, string | string[]> {
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw wrong("headers must be an object of names and strings");
  }
  for (const [name, value] of Object.entries(headers) as [string, unknown][]) {
    const isGood = [value].flat().every((one) => typeof one === "string");
    if (!isGood) throw wrong(`headers.${name} must be a string, or a list of them`);
  }
  return headers as Record<string, string | string[]>;
}

const wrong = (what: string): TidemarkError => new TidemarkError("BAD_INPUT", what);
