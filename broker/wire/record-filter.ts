import { compress, decompress } from "./compression.ts";
import { MalformedError } from "./malformed.ts";
import { Reader } from "./reader.ts";
import {
  attributeBits,
  attributesOf,
  BATCH_HEADER_BYTES,
  baseOffsetOf,
  baseTimestampOf,
  compressionOf,
  deleteHorizonOf,
  hasLogAppendTime,
  maxTimestampOf,
  recordsCountOf,
  sizeBytesOf,
  withBody,
} from "./record-batch.ts";
import { Writer } from "./writer.ts";

/*
 * Takes records out of a batch, as compaction does: what stays keeps its offset, time, key, value and headers, and the
 * batch its base and last offset, leader epoch, producer and codec. Semantics: Kafka's MemoryRecords.filterTo, KIP-534.
 */

/** Walks the records of one batch; its fields describe the current one, so that no object is made for any. */
export class RecordCursor {
  /** The records' bytes, opened. */
  readonly body: Uint8Array;
  /** The current record is `body[start, end)`, its length included. */
  start = 0;
  end = 0;
  offset = 0;
  timestampDelta = 0;
  /** The key is `body[keyStart, keyEnd)`; without a key `keyStart` is −1. */
  keyStart = -1;
  keyEnd = -1;
  /** Without a value it is a tombstone. */
  hasValue = false;
  readonly count: number;
  readonly #baseOffset: number;
  readonly #reader: Reader;
  #index = 0;
  /** What follows the timestamp in the current record begins here. */
  #restStart = 0;

  /** Of the batch at `at`, which is whole. Throws MalformedError when its body does not open. */
  constructor(bytes: Uint8Array, at: number) {
    this.body = decompress(
      compressionOf(bytes, at),
      bytes.subarray(at + BATCH_HEADER_BYTES, at + sizeBytesOf(bytes, at)),
    );
    this.count = recordsCountOf(bytes, at);
    this.#baseOffset = baseOffsetOf(bytes, at);
    this.#reader = new Reader(this.body);
  }

  /** Moves to the next record; false behind the last. Throws MalformedError where the bytes are no record. */
  next(): boolean {
    const reader = this.#reader;
    reader.at = this.end;
    if (this.#index === this.count) {
      if (reader.remaining > 0) throw new MalformedError(`${reader.remaining} bytes after the last record`);
      return false;
    }
    this.#index++;
    this.start = this.end;
    const length = reader.varint();
    this.end = reader.at + length;
    if (length < 0 || this.end > this.body.length) throw new MalformedError(`record of ${length} bytes`);
    reader.int8();
    this.timestampDelta = reader.varlong();
    this.#restStart = reader.at;
    this.offset = this.#baseOffset + reader.varint();
    const keyBytes = reader.varint();
    this.keyStart = keyBytes < 0 ? -1 : reader.at;
    this.keyEnd = keyBytes < 0 ? -1 : reader.at + keyBytes;
    if (keyBytes > 0) reader.at += keyBytes;
    this.hasValue = reader.varint() >= 0;
    if (reader.at > this.end) throw new MalformedError("record cut off");
    return true;
  }

  /** Writes the current record with another timestamp delta. */
  writeTo(writer: Writer, timestampDelta: number): void {
    const head = new Writer();
    head.raw(ATTRIBUTES);
    head.varlong(timestampDelta);
    writer.varint(head.sizeBytes + this.end - this.#restStart);
    for (const chunk of head.chunks()) writer.raw(chunk);
    writer.raw(this.body.subarray(this.#restStart, this.end));
  }
}

/** Records have attributes of their own, all of them unused. */
const ATTRIBUTES = Uint8Array.of(0);

export interface FilterRules {
  /** Whether the record at the cursor stays. */
  keeps(record: RecordCursor): boolean;
  /** Whether the record at the cursor, which stays, is a tombstone whose time to go begins now. */
  expires(record: RecordCursor): boolean;
  /**
   * Set on a batch with such a tombstone, unless it has one or a record's time is so far away that it could not be told
   * against it: milliseconds since 1970.
   */
  readonly deleteHorizonMs: number;
}

export type FilteredBatch =
  | { readonly kind: "same" }
  | { readonly kind: "rewritten"; readonly bytes: Uint8Array }
  | { readonly kind: "empty" };

/**
 * What is left of the batch at `at`, whose checksum is right. Throws MalformedError when it cannot be opened.
 */
export function filterBatch(bytes: Uint8Array, at: number, rules: FilterRules): FilteredBatch {
  const cursor = new RecordCursor(bytes, at);
  const kept = keptRecords(cursor, rules);
  if (kept.count === 0) return { kind: "empty" };
  const base = baseTimestampOf(bytes, at);
  const horizon = horizonFor(bytes, at, { kept, rules });
  if (kept.count === cursor.count && horizon === null) return { kind: "same" };
  const body = horizon === null ? joined(cursor, kept) : moved(bytes, at, { kept, shift: base - horizon });
  const maxTimestamp = hasLogAppendTime(bytes, at) ? maxTimestampOf(bytes, at) : base + kept.timestampDeltaMax;
  return {
    kind: "rewritten",
    bytes: withBody(bytes, at, {
      body: compress(compressionOf(bytes, at), body),
      recordsCount: kept.count,
      baseTimestamp: horizon ?? base,
      maxTimestamp,
      attributes: attributesOf(bytes, at) | (horizon === null ? 0 : attributeBits.deleteHorizon),
    }),
  };
}

/** The batch's header alone, for the sake of the producer that it names. */
export const withoutRecords = (bytes: Uint8Array, at: number): Uint8Array =>
  withBody(bytes, at, {
    body: new Uint8Array(0),
    recordsCount: 0,
    baseTimestamp: -1,
    maxTimestamp: -1,
    attributes: attributesOf(bytes, at) & ~(attributeBits.compression | attributeBits.deleteHorizon),
  });

interface Kept {
  count: number;
  expires: boolean;
  timestampDeltaMin: number;
  timestampDeltaMax: number;
  /** Starts and ends of what stays, neighbours as one. */
  readonly ranges: number[];
}

function keptRecords(cursor: RecordCursor, rules: FilterRules): Kept {
  const none = { timestampDeltaMin: Number.POSITIVE_INFINITY, timestampDeltaMax: Number.NEGATIVE_INFINITY };
  const kept: Kept = { count: 0, expires: false, ...none, ranges: [] };
  while (cursor.next()) {
    if (!rules.keeps(cursor)) continue;
    kept.count++;
    kept.expires ||= rules.expires(cursor);
    if (cursor.timestampDelta < kept.timestampDeltaMin) kept.timestampDeltaMin = cursor.timestampDelta;
    if (cursor.timestampDelta > kept.timestampDeltaMax) kept.timestampDeltaMax = cursor.timestampDelta;
    if (kept.ranges.at(-1) === cursor.start) kept.ranges[kept.ranges.length - 1] = cursor.end;
    else kept.ranges.push(cursor.start, cursor.end);
  }
  return kept;
}

/** The horizon that the batch is to get; null: none. It is none that the records' times cannot be told against. */
function horizonFor(
  bytes: Uint8Array,
  at: number,
  { kept, rules: { deleteHorizonMs } }: { kept: Kept; rules: FilterRules },
): number | null {
  if (!kept.expires || deleteHorizonOf(bytes, at) !== null) return null;
  const shift = baseTimestampOf(bytes, at) - deleteHorizonMs;
  const deltas = [kept.timestampDeltaMin + shift, kept.timestampDeltaMax + shift];
  return deltas.every(Number.isSafeInteger) ? deleteHorizonMs : null;
}

function joined({ body }: RecordCursor, { ranges }: Kept): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let index = 0; index < ranges.length; index += 2) parts.push(body.subarray(ranges[index], ranges[index + 1]));
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
}

/** The records that stay, told against another base timestamp. */
function moved(bytes: Uint8Array, at: number, { kept, shift }: { kept: Kept; shift: number }): Uint8Array {
  const cursor = new RecordCursor(bytes, at);
  const writer = new Writer();
  let range = 0;
  while (cursor.next()) {
    while (range < kept.ranges.length && kept.ranges[range + 1]! <= cursor.start) range += 2;
    if (range < kept.ranges.length && kept.ranges[range]! <= cursor.start) {
      cursor.writeTo(writer, cursor.timestampDelta + shift);
    }
  }
  return Buffer.concat(writer.chunks());
}
