import { assert } from "../base/assert.ts";
import { BATCH_HEADER_BYTES, writeBatchHeader } from "./record-batch.ts";

/** One record to append. Bytes are copied at once. */
export interface WrittenRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly headers: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[];
}

/** The session of an idempotent producer, and the sequence of the batch's first record. */
export interface BatchSession {
  readonly id: number;
  readonly epoch: number;
  readonly baseSequence: number;
}

/** Attributes and the length of the record, of its key, of its value, and the number of headers, at their longest. */
const RECORD_OVERHEAD_BYTES_MAX = 1 + 5 + 10 + 5 + 5 + 5 + 5;
const HEADER_OVERHEAD_BYTES_MAX = 10;
const FIRST_CAPACITY_BYTES = 1024;

/** Most bytes that a record takes in a batch. */
export function recordBytesMax({ key, value, headers }: WrittenRecord): number {
  let size = RECORD_OVERHEAD_BYTES_MAX + (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) size += HEADER_OVERHEAD_BYTES_MAX + header.key.length + (header.value?.length ?? 0);
  return size;
}

/**
 * Writes records one after the other into the bytes of one uncompressed batch, so that nothing of them is kept besides.
 * Source: Kafka documentation, "Message Format".
 */
export class RecordBatchWriter {
  #bytes = Buffer.allocUnsafe(FIRST_CAPACITY_BYTES);
  #at = BATCH_HEADER_BYTES;
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  get count(): number {
    return this.#count;
  }

  /** Size of the batch as it stands. */
  get sizeBytes(): number {
    return this.#at;
  }

  add(record: WrittenRecord): void {
    const { key, value, timestamp, headers } = record;
    if (this.#count === 0) {
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    }
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    const bodyBytes = this.#bodyBytes(record);
    this.#claim(bodyBytes + 5);
    this.#varint(bodyBytes);
    const from = this.#at;
    this.#bytes[this.#at++] = 0;
    this.#varint(timestamp - this.#baseTimestamp);
    this.#varint(this.#count);
    this.#field(key);
    this.#field(value);
    this.#varint(headers.length);
    for (const header of headers) {
      this.#field(header.key);
      this.#field(header.value);
    }
    assert(this.#at - from === bodyBytes, "a record is as long as was announced");
    this.#count++;
  }

  /** The batch as a client sends it, in memory of its own each time: whoever appends it stamps it. */
  batch(session: BatchSession): Buffer {
    assert(this.#count > 0, "a batch holds at least one record");
    const batch = Buffer.allocUnsafeSlow(this.#at);
    batch.set(this.#bytes.subarray(0, this.#at));
    writeBatchHeader(batch, {
      attributes: 0,
      lastOffsetDelta: this.#count - 1,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      producerId: session.id,
      producerEpoch: session.epoch,
      baseSequence: session.baseSequence,
      recordsCount: this.#count,
    });
    return batch;
  }

  #bodyBytes({ key, value, timestamp, headers }: WrittenRecord): number {
    let size =
      1 + varintBytes(timestamp - this.#baseTimestamp) + varintBytes(this.#count) + varintBytes(headers.length);
    size += fieldBytes(key) + fieldBytes(value);
    for (const header of headers) size += fieldBytes(header.key) + fieldBytes(header.value);
    return size;
  }

  #claim(sizeBytes: number): void {
    const needed = this.#at + sizeBytes;
    if (needed <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    grown.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = grown;
  }

  #field(bytes: Uint8Array | null): void {
    this.#varint(bytes === null ? -1 : bytes.length);
    if (bytes === null) return;
    this.#bytes.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Zigzag, of any safe integer: beyond 32 bits for distances of timestamps. */
  #varint(value: number): void {
    let rest = zigzag(value);
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#bytes[this.#at++] = rest;
  }
}

const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

function varintBytes(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

const fieldBytes = (bytes: Uint8Array | null): number =>
  bytes === null ? 1 : varintBytes(bytes.length) + bytes.length;
