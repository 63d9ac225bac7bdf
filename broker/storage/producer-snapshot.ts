import { crc32c } from "../base/crc32c.ts";
import type { Offset, TimestampMs } from "../base/ids.ts";
import { type ProducerBatch, ProducerStates } from "./producer-state.ts";

const VERSION = 1;
const CRC_AT = 2;
const ENTRIES_AT = 6;
const HEADER_BYTES = 10;
const ENTRY_BYTES = 46;

/**
 * Producer state as the content of a `.snapshot` file, Kafka's format version 1: version int16, CRC32C of what follows
 * it, then entries of producer id, epoch, last sequence, last offset, offset delta, timestamp, coordinator epoch and
 * first offset of an open transaction (both −1). Kafka keeps one entry a producer; here each remembered batch is an
 * entry, oldest first, so that all of them are known again after a restart. A reader that keeps the last one seen
 * arrives at Kafka's own content.
 */
export function encodeSnapshot(states: ProducerStates): Uint8Array {
  const batches = [...states.batches()];
  const bytes = new Uint8Array(HEADER_BYTES + batches.length * ENTRY_BYTES);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, VERSION);
  view.setInt32(ENTRIES_AT, batches.length);
  batches.forEach((batch, index) => writeEntry(view, HEADER_BYTES + index * ENTRY_BYTES, batch));
  view.setUint32(CRC_AT, crc32c(bytes.subarray(ENTRIES_AT)));
  return bytes;
}

/** Null when the content is damaged or of another version. */
export function decodeSnapshot(bytes: Uint8Array, nowMs: number): ProducerStates | null {
  if (bytes.length < HEADER_BYTES) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const count = view.getInt32(ENTRIES_AT);
  if (view.getInt16(0) !== VERSION || bytes.length !== HEADER_BYTES + count * ENTRY_BYTES) return null;
  if (view.getUint32(CRC_AT) !== crc32c(bytes.subarray(ENTRIES_AT))) return null;
  const states = new ProducerStates();
  for (let index = 0; index < count; index++) states.add(readEntry(view, HEADER_BYTES + index * ENTRY_BYTES), nowMs);
  return states;
}

function writeEntry(view: DataView, at: number, batch: ProducerBatch): void {
  view.setBigInt64(at, BigInt(batch.producerId));
  view.setInt16(at + 8, batch.epoch);
  view.setInt32(at + 10, batch.lastSequence);
  view.setBigInt64(at + 14, BigInt(batch.lastOffset));
  view.setInt32(at + 22, batch.offsetDelta);
  view.setBigInt64(at + 26, BigInt(batch.timestampMs));
  view.setInt32(at + 34, -1);
  view.setBigInt64(at + 38, -1n);
}

function readEntry(view: DataView, at: number): ProducerBatch {
  return {
    producerId: Number(view.getBigInt64(at)),
    epoch: view.getInt16(at + 8),
    lastSequence: view.getInt32(at + 10),
    lastOffset: Number(view.getBigInt64(at + 14)) as Offset,
    offsetDelta: view.getInt32(at + 22),
    timestampMs: Number(view.getBigInt64(at + 26)) as TimestampMs,
  };
}
