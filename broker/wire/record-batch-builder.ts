import { assert } from "../base/assert.ts";
import { compress } from "./compression.ts";
import type { CompressionName } from "./record-batch.ts";
import { attributeBits, BATCH_HEADER_BYTES, compressionCodecs, writeBatchHeader } from "./record-batch.ts";
import { Writer } from "./writer.ts";

/** One record to put into a batch. Strings are written as UTF-8. */
export interface RecordDraft {
  readonly key?: Uint8Array | string | null | undefined;
  readonly value: Uint8Array | string | null;
  /** Milliseconds since 1970. */
  readonly timestamp: number;
  readonly headers?: readonly { readonly key: string; readonly value: Uint8Array | string | null }[];
}

export interface BatchOptions {
  readonly compression?: CompressionName;
  /** The idempotent producer's session; without it the batch carries none. */
  readonly producer?: { readonly id: number; readonly epoch: number; readonly baseSequence: number };
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
}

/** Builds a batch as a client sends it: base offset 0, no leader epoch, CRC computed. At least one record. */
export function buildBatch(records: readonly RecordDraft[], options: BatchOptions = {}): Buffer {
  const [first] = records;
  assert(first !== undefined, "a batch holds at least one record");
  const writer = new Writer();
  let maxTimestamp = first.timestamp;
  records.forEach((record, index) => {
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp;
    writeRecord(writer, record, { offsetDelta: index, timestampDelta: record.timestamp - first.timestamp });
  });
  const codec = compressionCodecs[options.compression ?? "none"];
  const body = compress(codec, Buffer.concat(writer.chunks()));
  const batch = Buffer.allocUnsafe(BATCH_HEADER_BYTES + body.length);
  batch.set(body, BATCH_HEADER_BYTES);
  writeBatchHeader(batch, {
    attributes:
      codec |
      (options.isTransactional === true ? attributeBits.transactional : 0) |
      (options.isControl === true ? attributeBits.control : 0),
    lastOffsetDelta: records.length - 1,
    baseTimestamp: first.timestamp,
    maxTimestamp,
    producerId: options.producer?.id ?? -1,
    producerEpoch: options.producer?.epoch ?? -1,
    baseSequence: options.producer?.baseSequence ?? -1,
    recordsCount: records.length,
  });
  return batch;
}

function writeRecord(
  writer: Writer,
  record: RecordDraft,
  { offsetDelta, timestampDelta }: { offsetDelta: number; timestampDelta: number },
): void {
  const body = new Writer();
  body.int8(0);
  body.varlong(timestampDelta);
  body.varint(offsetDelta);
  writeBytes(body, record.key ?? null);
  writeBytes(body, record.value);
  const headers = record.headers ?? [];
  body.varint(headers.length);
  for (const { key, value } of headers) {
    writeBytes(body, key);
    writeBytes(body, value);
  }
  writer.varint(body.sizeBytes);
  for (const chunk of body.chunks()) writer.raw(chunk);
}

function writeBytes(writer: Writer, value: Uint8Array | string | null): void {
  if (value === null) return writer.varint(-1);
  const bytes = typeof value === "string" ? Buffer.from(value, "utf8") : value;
  writer.varint(bytes.length);
  writer.raw(bytes);
}
