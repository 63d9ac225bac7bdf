import type { IHeaders, Message } from "kafkajs";
import { TidemarkError } from "#base/errors.ts";
import { assignments } from "./assignments.ts";
import type { Encoding } from "./format.ts";
import { recordOfJson } from "./ndjson.ts";

export interface RecordOptions {
  readonly format: "lines" | "json";
  readonly keySeparator?: string;
  readonly partition?: number;
  readonly header: readonly string[];
  readonly keyEncoding?: Encoding;
  readonly valueEncoding?: Encoding;
}

export type LineReader = (line: Buffer) => Message;

/**
 * How a line becomes a record.
 * @throws TidemarkError BAD_INPUT when options do not go together; the reader itself, when a line is no record.
 */
export function lineReader(options: RecordOptions): LineReader {
  const { format, partition, keyEncoding, valueEncoding } = options;
  const isJson = format === "json";
  const refused = (what: string): TidemarkError => new TidemarkError("BAD_INPUT", what);
  if (isJson && options.keySeparator !== undefined)
    throw refused("--key-separator is for lines, not for --format json");
  if (!isJson && (keyEncoding ?? valueEncoding) !== undefined) throw refused("encodings are for --format json");
  const headers = assignments(options.header);
  const read = isJson
    ? (line: Buffer) => recordOfJson(line, { key: keyEncoding ?? "utf8", value: valueEncoding ?? "utf8" })
    : (line: Buffer) => recordOfLine(line, options.keySeparator ?? "");
  return (line) => withDefaults(read(line), headers, partition);
}

function recordOfLine(line: Buffer, separator: string): Message {
  const at = separator === "" ? -1 : line.indexOf(separator);
  if (at < 0) return { value: line };
  return { key: line.subarray(0, at), value: line.subarray(at + Buffer.byteLength(separator)) };
}

/** What a record says itself goes before what was said for all. */
function withDefaults(record: Message, headers: IHeaders, partition: number | undefined): Message {
  const place = record.partition ?? partition;
  return {
    ...record,
    ...(place === undefined ? {} : { partition: place }),
    ...(Object.keys(headers).length === 0 ? {} : { headers: { ...headers, ...record.headers } }),
  };
}
