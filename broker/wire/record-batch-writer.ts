import { assert } from "../base/assert.ts";
import { compress } from "./compression.ts";
import {
  attributeBits,
  BATCH_HEADER_BYTES,
  type CompressionName,
  compressionCodecs,
  writeBatchHeader,
} from "./record-batch.ts";
import { Writer } from "./writer.ts";

/** One record to append. Bytes are copied at once. */
export interface WrittenRecord {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly headers: readonly { readonly key: Uint8Array; readonly value: Uint8Array | null }[];
}

export interface BatchOptions {
  readonly compression?: CompressionName;
  /** The idempotent producer's session; without it the batch carries none. */
  readonly producer?: { readonly id: number; readonly epoch: number; readonly baseSequence: number };
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
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
 * Writes records one after the other into the bytes of one batch, so that nothing of them is kept besides.
 * Source: Kafka documentation, "Message Format".
 */
export class RecordBatchWriter {
  readonly #records = new Writer(FIRST_CAPACITY_BYTES);
  #count = 0;
  #baseTimestamp = 0;
  #maxTimestamp = 0;

  get count(): number {
    return this.#count;
  }

  /** Size of the batch as it stands, uncompressed. */
  get sizeBytes(): number {
    return BATCH_HEADER_BYTES + this.#records.sizeBytes;
  }

  add(record: WrittenRecord): void {
    const { key, value, timestamp, headers } = record;
    if (this.#count === 0) {
      this.#baseTimestamp = timestamp;
      this.#maxTimestamp = timestamp;
    }
    if (timestamp > this.#maxTimestamp) this.#maxTimestamp = timestamp;
    const records = this.#records;
    const bodyBytes = this.#bodyBytes(record);
    records.varint(bodyBytes);
    const from = records.sizeBytes;
    records.int8(0);
    records.varlong(timestamp - this.#baseTimestamp);
    records.varint(this.#count);
    this.#field(key);
    this.#field(value);
    records.varint(headers.length);
    for (const header of headers) {
      this.#field(header.key);
      this.#field(header.value);
    }
    assert(records.sizeBytes - from === bodyBytes, "a record is as long as was announced");
    this.#count++;
  }

  /** The batch as a client sends it, in memory of its own each time: whoever appends it stamps it. */
  batch(options: BatchOptions = {}): Buffer {
    assert(this.#count > 0, "a batch holds at least one record");
    const codec = compressionCodecs[options.compression ?? "none"];
    // Nothing is spliced in: it is one chunk.
    const body = compress(codec, this.#records.chunks()[0]!);
    const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + body.length);
    batch.set(body, BATCH_HEADER_BYTES);
    const { producer, isTransactional = false, isControl = false } = options;
    const kind = (isTransactional ? attributeBits.transactional : 0) | (isControl ? attributeBits.control : 0);
    writeBatchHeader(batch, {
      attributes: codec | kind,
      lastOffsetDelta: this.#count - 1,
      baseTimestamp: this.#baseTimestamp,
      maxTimestamp: this.#maxTimestamp,
      producerId: producer?.id ?? -1,
      producerEpoch: producer?.epoch ?? -1,
      baseSequence: producer?.baseSequence ?? -1,
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

  #field(bytes: Uint8Array | null): void {
    this.#records.varint(bytes === null ? -1 : bytes.length);
    if (bytes !== null) this.#records.raw(bytes);
  }
}

/** Of a signed safe integer in zigzag form. */
function varintBytes(value: number): number {
  let size = 1;
  for (let rest = value < 0 ? -2 * value - 1 : 2 * value; rest > 127; rest = Math.floor(rest / 128)) size++;
  return size;
}

const fieldBytes = (bytes: Uint8Array | null): number =>
  bytes === null ? 1 : varintBytes(bytes.length) + bytes.length;
