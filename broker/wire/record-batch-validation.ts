import type { TimestampMs } from "../base/ids.ts";
import { decompress } from "./compression.ts";
import type { KafkaErrorCode } from "./error-codes.ts";
import { kafkaErrors } from "./error-codes.ts";
import { isMalformed } from "./malformed.ts";
import {
  attributeBits,
  attributesOf,
  BATCH_HEADER_BYTES,
  BATCH_MAGIC_END,
  baseOffsetOf,
  baseSequenceOf,
  baseTimestampOf,
  compressionCodecs,
  hasValidCrc,
  lastOffsetDeltaOf,
  MAGIC_V2,
  magicOf,
  maxTimestampOf,
  producerIdOf,
  recordsCountOf,
  sizeBytesOf,
  stampMaxTimestamp,
} from "./record-batch.ts";
import { RecordWalk } from "./record-walk.ts";

/** What a topic demands of the batches that producers send it. */
export interface BatchLimits {
  /** Largest batch, header included (`max.message.bytes`). */
  readonly maxBatchBytes: number;
  /** Every record needs a key (`cleanup.policy=compact`). */
  readonly requiresKeys: boolean;
  /** Timestamps of records must lie within [timestampMin, timestampMax], milliseconds since 1970. */
  readonly timestampMin: number;
  readonly timestampMax: number;
}

/** Why a batch is refused. */
export interface BatchFault {
  readonly code: KafkaErrorCode;
  readonly message: string;
  /** The record at fault, where it is one. */
  readonly recordIndex?: number;
}

/** What records without a time carry. */
const NO_TIMESTAMP = -1;

const fault = (code: KafkaErrorCode, message: string): BatchFault => ({ code, message });

/**
 * Checks a producer's batch, which must fill `bytes` exactly, as Kafka 4 does: size, magic, CRC, header, and, where
 * the body is not compressed, every record in place without an object for any of them. A compressed body is opened only
 * when the topic requires keys. A greatest timestamp that the records belie is put right, CRC included.
 *
 * Returns undefined for a sound batch. Source: the rules of Kafka 4 for batches from clients; KIP-98.
 */
export function validateBatch(bytes: Uint8Array, limits: BatchLimits): BatchFault | undefined {
  return checkFrame(bytes, limits) ?? checkHeader(bytes) ?? checkRecords(bytes, limits);
}

function checkFrame(bytes: Uint8Array, { maxBatchBytes }: BatchLimits): BatchFault | undefined {
  if (bytes.length < BATCH_MAGIC_END) {
    return bytes.length === 0
      ? fault(kafkaErrors.INVALID_RECORD, "a produce request holds one record batch for each partition")
      : fault(kafkaErrors.CORRUPT_MESSAGE, `record batch of ${bytes.length} bytes`);
  }
  const magic = magicOf(bytes, 0);
  if (magic !== MAGIC_V2) return fault(kafkaErrors.INVALID_RECORD, `magic ${magic}; only record batches v2 are taken`);
  const size = sizeBytesOf(bytes, 0);
  if (size < BATCH_HEADER_BYTES || size > bytes.length) {
    return fault(kafkaErrors.CORRUPT_MESSAGE, `record batch says ${size} bytes, ${bytes.length} are there`);
  }
  if (size < bytes.length) return fault(kafkaErrors.INVALID_RECORD, "more than one record batch for one partition");
  if (size > maxBatchBytes) return tooLarge(size, maxBatchBytes);
  return hasValidCrc(bytes, 0) ? undefined : fault(kafkaErrors.CORRUPT_MESSAGE, "record batch with a wrong CRC");
}

/** `max.message.bytes` is less than the batch, as it came or as it would be stored. */
export const tooLarge = (size: number, most: number): BatchFault =>
  fault(kafkaErrors.MESSAGE_TOO_LARGE, `record batch of ${size} bytes; at most ${most} are taken`);

function checkHeader(bytes: Uint8Array): BatchFault | undefined {
  const attributes = attributesOf(bytes, 0);
  const count = recordsCountOf(bytes, 0);
  const delta = lastOffsetDeltaOf(bytes, 0);
  const baseOffset = baseOffsetOf(bytes, 0);
  const hasProducer = producerIdOf(bytes, 0) >= 0;
  if ((attributes & attributeBits.compression) > compressionCodecs.zstd) {
    return fault(kafkaErrors.UNSUPPORTED_COMPRESSION_TYPE, "compression codec that does not exist");
  }
  if ((attributes & attributeBits.control) !== 0) return invalid("control batches come from brokers only");
  if (baseOffset !== 0) return invalid(`base offset ${baseOffset}; a producer's batch starts at 0`);
  if (count <= 0 || count !== delta + 1) return invalid(`${count} records with a last offset delta of ${delta}`);
  if (hasProducer && baseSequenceOf(bytes, 0) < 0) return invalid("producer id without a sequence");
  if (!hasProducer && (attributes & attributeBits.transactional) !== 0) {
    return invalid("transactional batch without a producer id");
  }
  if ((attributes & attributeBits.logAppendTime) !== 0) {
    return fault(kafkaErrors.INVALID_TIMESTAMP, "producers set the time of creation, not of the append");
  }
  return undefined;
}

/** What is compressed cannot be opened. */
export const UNREADABLE = fault(kafkaErrors.CORRUPT_MESSAGE, "records that do not decompress");

const invalid = (message: string): BatchFault => fault(kafkaErrors.INVALID_RECORD, message);

function checkRecords(bytes: Uint8Array, limits: BatchLimits): BatchFault | undefined {
  const codec = attributesOf(bytes, 0) & attributeBits.compression;
  const isPlain = codec === compressionCodecs.none;
  if (!isPlain && !limits.requiresKeys) {
    return checkTimestamps({ least: baseTimestampOf(bytes, 0), greatest: maxTimestampOf(bytes, 0) }, limits);
  }
  const walk = isPlain ? new RecordWalk(bytes, BATCH_HEADER_BYTES, bytes.length) : openedWalk(bytes, codec);
  return walk === undefined ? UNREADABLE : checkWalked(bytes, walk, limits);
}

/** The same for the records of a compressed batch, `body`, that was opened already. */
export const validateOpened = (bytes: Uint8Array, body: Uint8Array, limits: BatchLimits): BatchFault | undefined =>
  checkWalked(bytes, new RecordWalk(body, 0, body.length), limits);

function checkWalked(bytes: Uint8Array, walk: RecordWalk, limits: BatchLimits): BatchFault | undefined {
  const wrong = walk.run(recordsCountOf(bytes, 0));
  if (wrong !== undefined) return { code: kafkaErrors.INVALID_RECORD, message: wrong, recordIndex: walk.index };
  if (limits.requiresKeys && walk.keylessIndex >= 0) {
    const message = "a compacted topic takes no record without a key";
    return { code: kafkaErrors.INVALID_RECORD, message, recordIndex: walk.keylessIndex };
  }
  const base = baseTimestampOf(bytes, 0);
  const greatest = base + walk.timestampDeltaMax;
  if (Number.isSafeInteger(greatest) && greatest !== maxTimestampOf(bytes, 0)) {
    stampMaxTimestamp(bytes, 0, greatest as TimestampMs);
  }
  return checkTimestamps({ least: base + walk.timestampDeltaMin, greatest }, limits);
}

function openedWalk(bytes: Uint8Array, codec: number): RecordWalk | undefined {
  try {
    const body = decompress(codec, bytes.subarray(BATCH_HEADER_BYTES));
    return new RecordWalk(body, 0, body.length);
  } catch (error) {
    if (isMalformed(error)) return undefined;
    throw error;
  }
}

function checkTimestamps(
  { least, greatest }: { readonly least: number; readonly greatest: number },
  { timestampMin, timestampMax }: BatchLimits,
): BatchFault | undefined {
  const isEarly = least < timestampMin && least !== NO_TIMESTAMP;
  if (!isEarly && greatest <= timestampMax) return undefined;
  const wrong = isEarly ? least : greatest;
  return fault(kafkaErrors.INVALID_TIMESTAMP, `timestamp ${wrong} is outside ${timestampMin} to ${timestampMax}`);
}
