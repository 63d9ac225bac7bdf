import type { LeaderEpoch, Offset, TimestampMs } from "../base/ids.ts";
import { crc32c } from "../base/crc32c.ts";

/*
 * Record batches of format v2, read and changed where they lie: `bytes` is whatever holds them and `at` where the
 * batch starts. Nothing here checks bounds; validateBatch (record-batch-validation.ts) comes first for bytes from
 * outside. Base offset, length, leader epoch and magic lie before the CRC's range, so a leader stamps them without
 * computing the sum again.
 *
 *   0 baseOffset int64 | 8 batchLength int32 | 12 partitionLeaderEpoch int32 | 16 magic int8 | 17 crc uint32
 *   21 attributes int16 | 23 lastOffsetDelta int32 | 27 baseTimestamp int64 | 35 maxTimestamp int64
 *   43 producerId int64 | 51 producerEpoch int16 | 53 baseSequence int32 | 57 recordsCount int32 | 61 records
 *
 * Source: Kafka documentation, "Message Format: Record Batch"; KIP-98.
 */

/** Bytes before a batch's first record. */
export const BATCH_HEADER_BYTES = 61;
/** Bytes that `batchLength` does not count: those up to and including itself. */
export const BATCH_PREFIX_BYTES = 12;
/** Bytes from a batch's start that tell its size and magic. */
export const BATCH_MAGIC_END = 17;
export const MAGIC_V2 = 2;

const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
/** The CRC covers the batch from here to its end. */
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const BASE_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const PRODUCER_EPOCH_AT = 51;
const BASE_SEQUENCE_AT = 53;
const RECORDS_COUNT_AT = 57;

const TWO_32 = 4_294_967_296;

/** Attribute bits. */
export const attributeBits = {
  compression: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const;

/** Compression codecs by the number that the attributes hold. */
export const compressionCodecs = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type CompressionName = keyof typeof compressionCodecs;

const readInt32 = (bytes: Uint8Array, at: number): number =>
  (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;

function writeInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >> 24;
  bytes[at + 1] = value >> 16;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value;
}

const readInt16 = (bytes: Uint8Array, at: number): number => ((bytes[at]! << 24) >> 16) | bytes[at + 1]!;

/** Saturates beyond ±(2^53−1), as Reader.int64 does. */
function readInt64(bytes: Uint8Array, at: number): number {
  const value = readInt32(bytes, at) * TWO_32 + (readInt32(bytes, at + 4) >>> 0);
  if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
  return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value;
}

function writeInt64(bytes: Uint8Array, at: number, value: number): void {
  writeInt32(bytes, at, Math.floor(value / TWO_32));
  writeInt32(bytes, at + 4, value | 0);
}

/** Size of the whole batch in bytes, as its length field says; may be anything in bytes not validated yet. */
export const sizeBytesOf = (bytes: Uint8Array, at: number): number => readInt32(bytes, at + 8) + BATCH_PREFIX_BYTES;

export const baseOffsetOf = (bytes: Uint8Array, at: number): Offset => readInt64(bytes, at) as Offset;
export const leaderEpochOf = (bytes: Uint8Array, at: number): LeaderEpoch =>
  readInt32(bytes, at + LEADER_EPOCH_AT) as LeaderEpoch;
export const magicOf = (bytes: Uint8Array, at: number): number => (bytes[at + MAGIC_AT]! << 24) >> 24;
export const crcOf = (bytes: Uint8Array, at: number): number => readInt32(bytes, at + CRC_AT) >>> 0;
export const attributesOf = (bytes: Uint8Array, at: number): number => readInt16(bytes, at + ATTRIBUTES_AT);
export const lastOffsetDeltaOf = (bytes: Uint8Array, at: number): number => readInt32(bytes, at + LAST_OFFSET_DELTA_AT);
export const baseTimestampOf = (bytes: Uint8Array, at: number): TimestampMs =>
  readInt64(bytes, at + BASE_TIMESTAMP_AT) as TimestampMs;
export const maxTimestampOf = (bytes: Uint8Array, at: number): TimestampMs =>
  readInt64(bytes, at + MAX_TIMESTAMP_AT) as TimestampMs;
/** -1 = the producer is not idempotent. */
export const producerIdOf = (bytes: Uint8Array, at: number): number => readInt64(bytes, at + PRODUCER_ID_AT);
export const producerEpochOf = (bytes: Uint8Array, at: number): number => readInt16(bytes, at + PRODUCER_EPOCH_AT);
export const baseSequenceOf = (bytes: Uint8Array, at: number): number => readInt32(bytes, at + BASE_SEQUENCE_AT);
export const recordsCountOf = (bytes: Uint8Array, at: number): number => readInt32(bytes, at + RECORDS_COUNT_AT);

/** Offset of the batch's last record, inclusive. */
export const lastOffsetOf = (bytes: Uint8Array, at: number): Offset =>
  (baseOffsetOf(bytes, at) + lastOffsetDeltaOf(bytes, at)) as Offset;

/** Sequence of the batch's last record; sequences wrap from 2^31−1 to 0. -1 without a sequence. */
export function lastSequenceOf(bytes: Uint8Array, at: number): number {
  const base = baseSequenceOf(bytes, at);
  return base < 0 ? -1 : (base + lastOffsetDeltaOf(bytes, at)) % 0x8000_0000;
}

/** Number of the batch's compression codec; see compressionCodecs. */
export const compressionOf = (bytes: Uint8Array, at: number): number =>
  attributesOf(bytes, at) & attributeBits.compression;
export const isTransactional = (bytes: Uint8Array, at: number): boolean =>
  (attributesOf(bytes, at) & attributeBits.transactional) !== 0;
export const isControl = (bytes: Uint8Array, at: number): boolean =>
  (attributesOf(bytes, at) & attributeBits.control) !== 0;
export const hasLogAppendTime = (bytes: Uint8Array, at: number): boolean =>
  (attributesOf(bytes, at) & attributeBits.logAppendTime) !== 0;

/** Until when its tombstones stay, in the field of the base timestamp; null when nothing limits them yet (KIP-534). */
export const deleteHorizonOf = (bytes: Uint8Array, at: number): TimestampMs | null =>
  (attributesOf(bytes, at) & attributeBits.deleteHorizon) === 0 ? null : baseTimestampOf(bytes, at);

/** The CRC that the batch's bytes really have. */
export const computeCrc = (bytes: Uint8Array, at: number): number =>
  crc32c(bytes.subarray(at + ATTRIBUTES_AT, at + sizeBytesOf(bytes, at)));

/** Whether the stored CRC is that of the bytes. */
export const hasValidCrc = (bytes: Uint8Array, at: number): boolean => crcOf(bytes, at) === computeCrc(bytes, at);

/** Stamps what the leader decides; both fields lie outside the CRC. */
export function stampPosition(
  bytes: Uint8Array,
  at: number,
  position: { readonly baseOffset: Offset; readonly leaderEpoch: LeaderEpoch },
): void {
  writeInt64(bytes, at, position.baseOffset);
  writeInt32(bytes, at + LEADER_EPOCH_AT, position.leaderEpoch);
}

/** Makes the batch carry the broker's time for all its records (LogAppendTime), and its CRC right again. */
export function stampLogAppendTime(bytes: Uint8Array, at: number, now: TimestampMs): void {
  bytes[at + ATTRIBUTES_AT + 1] = bytes[at + ATTRIBUTES_AT + 1]! | attributeBits.logAppendTime;
  stampMaxTimestamp(bytes, at, now);
}

/** Sets the greatest timestamp and makes the CRC right again. */
export function stampMaxTimestamp(bytes: Uint8Array, at: number, timestamp: TimestampMs): void {
  writeInt64(bytes, at + MAX_TIMESTAMP_AT, timestamp);
  writeInt32(bytes, at + CRC_AT, computeCrc(bytes, at));
}

/** What a batch's header says of its records. */
export interface RecordsHeader {
  readonly attributes: number;
  readonly baseTimestamp: number;
  readonly maxTimestamp: number;
  readonly recordsCount: number;
}

/** The batch at `at` with other records, or the same ones compressed otherwise; what `header` does not name stays. */
export function withBody(
  bytes: Uint8Array,
  at: number,
  { body, ...header }: { readonly body: Uint8Array } & Partial<RecordsHeader>,
): Uint8Array {
  const next = new Uint8Array(BATCH_HEADER_BYTES + body.length);
  next.set(bytes.subarray(at, at + BATCH_HEADER_BYTES));
  next.set(body, BATCH_HEADER_BYTES);
  writeInt32(next, 8, next.length - BATCH_PREFIX_BYTES);
  writeRecordsHeader(next, header);
  writeInt32(next, CRC_AT, computeCrc(next, 0));
  return next;
}

function writeRecordsHeader(bytes: Uint8Array, header: Partial<RecordsHeader>): void {
  const { attributes, baseTimestamp, maxTimestamp, recordsCount } = header;
  if (attributes !== undefined) {
    bytes[ATTRIBUTES_AT] = attributes >> 8;
    bytes[ATTRIBUTES_AT + 1] = attributes;
  }
  if (baseTimestamp !== undefined) writeInt64(bytes, BASE_TIMESTAMP_AT, baseTimestamp);
  if (maxTimestamp !== undefined) writeInt64(bytes, MAX_TIMESTAMP_AT, maxTimestamp);
  if (recordsCount !== undefined) writeInt32(bytes, RECORDS_COUNT_AT, recordsCount);
}

/** Everything that a batch's header says besides what {@link stampPosition} sets. */
export interface BatchHeader extends RecordsHeader {
  readonly lastOffsetDelta: number;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly baseSequence: number;
}

/**
 * Writes the header of the batch that fills `bytes`, whose records stand from BATCH_HEADER_BYTES on already: base
 * offset 0, leader epoch -1, the CRC computed.
 */
export function writeBatchHeader(bytes: Uint8Array, header: BatchHeader): void {
  writeInt64(bytes, 0, 0);
  writeInt32(bytes, 8, bytes.length - BATCH_PREFIX_BYTES);
  writeInt32(bytes, LEADER_EPOCH_AT, -1);
  bytes[MAGIC_AT] = MAGIC_V2;
  writeRecordsHeader(bytes, header);
  writeInt32(bytes, LAST_OFFSET_DELTA_AT, header.lastOffsetDelta);
  writeInt64(bytes, PRODUCER_ID_AT, header.producerId);
  bytes[PRODUCER_EPOCH_AT] = header.producerEpoch >> 8;
  bytes[PRODUCER_EPOCH_AT + 1] = header.producerEpoch;
  writeInt32(bytes, BASE_SEQUENCE_AT, header.baseSequence);
  writeInt32(bytes, CRC_AT, computeCrc(bytes, 0));
}

/** A batch without records that holds the place of offsets whose records are gone. */
export function emptyBatch(place: {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  readonly leaderEpoch: LeaderEpoch;
}): Uint8Array {
  const bytes = new Uint8Array(BATCH_HEADER_BYTES);
  writeBatchHeader(bytes, {
    attributes: 0,
    lastOffsetDelta: place.lastOffset - place.baseOffset,
    baseTimestamp: -1,
    maxTimestamp: -1,
    producerId: -1,
    producerEpoch: -1,
    baseSequence: -1,
    recordsCount: 0,
  });
  stampPosition(bytes, 0, place);
  return bytes;
}

/** Whether the batch only holds the place of offsets: nothing of it is lost when it is cut in two. */
export const isPlaceholder = (bytes: Uint8Array, at: number): boolean =>
  recordsCountOf(bytes, at) === 0 && producerIdOf(bytes, at) < 0;

/**
 * Where the next batch of `bytes[at, end)` ends, or -1 when what stands at `at` is no whole batch there: too short, a
 * length that no batch can have, or one that reaches beyond `end`.
 */
export function batchEnd(bytes: Uint8Array, at: number, end: number): number {
  if (end - at < BATCH_HEADER_BYTES) return -1;
  const size = sizeBytesOf(bytes, at);
  return size < BATCH_HEADER_BYTES || size > end - at ? -1 : at + size;
}

/** Positions of the whole batches of `bytes[from, to)`, up to the first place where none stands. */
export function* batchPositions(bytes: Uint8Array, from = 0, to = bytes.length): Generator<number> {
  let at = from;
  for (let end = batchEnd(bytes, at, to); end > 0; end = batchEnd(bytes, at, to)) {
    yield at;
    at = end;
  }
}
