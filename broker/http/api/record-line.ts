import { isUtf8 } from "node:buffer";
import { parseExact } from "./exact-json.ts";
import {
  bytesIn,
  fromBase64,
  type IncomingRecord,
  isFault,
  isMap,
  partitionIn,
  RecordFault,
} from "./incoming-record.ts";
import type { Format } from "./media-types.ts";

/** The last millisecond of the year 9999. */
const TIMESTAMP_MAX = 253_402_300_799_999;
const FIELDS: readonly string[] = [
  "key",
  "key_text",
  "key_base64",
  "value",
  "value_text",
  "value_base64",
  "partition",
  "timestamp",
  "headers",
  // What is read from one topic can be written to another as it is: the old offset says nothing there.
  "offset",
];

/** Reads one line as `lineOf` (shown-record.ts) writes it; only the value need be there. */
export function recordOfLine(line: Buffer, format: Format): IncomingRecord | RecordFault {
  if (!isUtf8(line)) return new RecordFault("is not UTF-8");
  let given: unknown;
  try {
    given = parseExact(line.toString("utf8"));
  } catch {
    return new RecordFault("is no JSON");
  }
  if (!isMap(given)) return new RecordFault("must be an object");
  for (const name in given) if (!FIELDS.includes(name)) return new RecordFault(`Unrecognized field: ${name}`);
  const key = bytesOf(given, "key", format);
  if (isFault(key)) return key;
  if (!hasField(given, "value"))
    return new RecordFault("must have a value; null deletes the key's in a compacted topic");
  const value = bytesOf(given, "value", format);
  if (isFault(value)) return value;
  const partition = partitionIn(given["partition"]);
  if (isFault(partition)) return partition;
  const timestamp = timestampIn(given["timestamp"]);
  if (isFault(timestamp)) return timestamp;
  const headers = headersIn(given["headers"]);
  return isFault(headers) ? headers : { key, value, partition, timestamp, headers };
}

type Given = Readonly<Record<string, unknown>>;

const namesOf = (field: "key" | "value"): readonly string[] => [field, `${field}_text`, `${field}_base64`];

const hasField = (given: Given, field: "key" | "value"): boolean => namesOf(field).some((name) => name in given);

/** Key or value under whichever of its three names it has. */
function bytesOf(given: Given, field: "key" | "value", format: Format): Buffer | null | RecordFault {
  const names = namesOf(field).filter((name) => name in given);
  if (names.length > 1) return new RecordFault(`has ${names.join(" and ")}: give one of them`);
  const [name = field] = names;
  if (name === field) return bytesIn(format, field, given[field]);
  const text = given[name];
  if (typeof text !== "string") return new RecordFault(`${name} must be a string`);
  return name.endsWith("_text") ? Buffer.from(text, "utf8") : fromBase64(name, text);
}

function timestampIn(given: unknown): number | null | RecordFault {
  if (given === undefined || given === null) return null;
  const isSound = typeof given === "number" && Number.isInteger(given) && given >= 0 && given <= TIMESTAMP_MAX;
  return isSound ? given : new RecordFault("timestamp must be milliseconds since 1970");
}

const NO_HEADERS: IncomingRecord["headers"] = [];

function headersIn(given: unknown): IncomingRecord["headers"] | RecordFault {
  if (given === undefined || given === null) return NO_HEADERS;
  if (!Array.isArray(given)) return new RecordFault("headers must be a list");
  const headers: { key: Buffer; value: Buffer | null }[] = [];
  for (const one of given as unknown[]) {
    const header = headerIn(one);
    if (isFault(header)) return header;
    headers.push(header);
  }
  return headers;
}

function headerIn(given: unknown): { key: Buffer; value: Buffer | null } | RecordFault {
  const fault = new RecordFault("headers must be objects of key and value, or value_base64, all strings");
  if (!isMap(given) || typeof given["key"] !== "string") return fault;
  const { key, value, value_base64: encoded, ...others } = given;
  if (Object.keys(others).length > 0 || (value !== undefined && encoded !== undefined)) return fault;
  const name = Buffer.from(key as string, "utf8");
  if (encoded !== undefined) {
    const bytes = typeof encoded === "string" ? fromBase64("value_base64", encoded) : fault;
    return isFault(bytes) ? bytes : { key: name, value: bytes };
  }
  if (value === null) return { key: name, value: null };
  return typeof value === "string" ? { key: name, value: Buffer.from(value, "utf8") } : fault;
}
