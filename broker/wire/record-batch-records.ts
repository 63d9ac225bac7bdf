import type { Offset, TimestampMs } from "../base/ids.ts";
import { decompress } from "./compression.ts";
import { MalformedError } from "./malformed.ts";
import { Reader } from "./reader.ts";
import {
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  baseTimestampOf,
  compressionOf,
  hasLogAppendTime,
  maxTimestampOf,
  recordsCountOf,
  sizeBytesOf,
} from "./record-batch.ts";

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** One record, opened. For tools, tests and time look-ups: produce and fetch never make one. */
export interface OpenedRecord {
  readonly offset: Offset;
  readonly timestamp: TimestampMs;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * Opens the records of the batch at `at` one by one, decompressing if needed. Keys and values are views.
 * Throws MalformedError where the bytes are no records, or open to more than `maxBytes`.
 */
export function* recordsOf(bytes: Uint8Array, at = 0, maxBytes?: number): Generator<OpenedRecord> {
  const end = at + sizeBytesOf(bytes, at);
  if (end > bytes.length) throw new MalformedError(`batch ends at byte ${end}, ${bytes.length} are there`);
  const body = decompress(compressionOf(bytes, at), bytes.subarray(at + BATCH_HEADER_BYTES, end), maxBytes);
  const reader = new Reader(body);
  const count = recordsCountOf(bytes, at);
  for (let index = 0; index < count; index++) yield readRecord(reader, bytes, at);
  if (reader.remaining > 0) throw new MalformedError(`${reader.remaining} bytes after the last record`);
}

function readRecord(reader: Reader, batch: Uint8Array, at: number): OpenedRecord {
  const length = reader.varint();
  const end = reader.at + length;
  if (length < 0 || end > reader.end) throw new MalformedError(`record of ${length} bytes`);
  reader.int8();
  const timestampDelta = reader.varlong();
  const offset = baseOffsetOf(batch, at) + reader.varint();
  const timestamp = hasLogAppendTime(batch, at)
    ? maxTimestampOf(batch, at)
    : baseTimestampOf(batch, at) + timestampDelta;
  const key = readBytes(reader);
  const value = readBytes(reader);
  const headers = readHeaders(reader);
  if (reader.at !== end) throw new MalformedError(`record ends at byte ${reader.at}, announced was ${end}`);
  return { offset: offset as Offset, timestamp: timestamp as TimestampMs, key, value, headers };
}

function readHeaders(reader: Reader): readonly RecordHeader[] {
  const count = reader.varint();
  if (count < 0 || count > reader.remaining) throw new MalformedError(`${count} record headers`);
  const headers: RecordHeader[] = [];
  for (let index = 0; index < count; index++) {
    const key = readBytes(reader);
    if (key === null) throw new MalformedError("record header without a key");
    headers.push({ key: Buffer.from(key).toString("utf8"), value: readBytes(reader) });
  }
  return headers;
}

function readBytes(reader: Reader): Uint8Array | null {
  const length = reader.varint();
  if (length === -1) return null;
  if (length < 0 || length > reader.remaining) throw new MalformedError(`field of ${length} bytes in a record`);
  const from = reader.at;
  reader.at += length;
  return reader.bytes.subarray(from, reader.at);
}

/**
 * The first record of the batch whose timestamp is at least `timestamp`, or undefined. Source: ListOffsets answers
 * with the exact record, not with its batch.
 */
export function findByTimestamp(
  bytes: Uint8Array,
  at: number,
  timestamp: TimestampMs,
): { readonly offset: Offset; readonly timestamp: TimestampMs } | undefined {
  for (const record of recordsOf(bytes, at)) {
    if (record.timestamp >= timestamp) return { offset: record.offset, timestamp: record.timestamp };
  }
  return undefined;
}
