import { crc32c } from "#base/crc32c.ts";

/**
 * One record of the controller's files: length of the payload, CRC-32C of the payload, number of the record, CRC-32C of
 * these three (4 bytes each, little-endian), then the payload, which is JSON and so has no zero byte.
 */
export const HEADER_BYTES = 16;
/** What a power cut writes or leaves out as a whole. */
const SECTOR_BYTES = 512;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

export function encodeRecord(number: number, value: unknown): Uint8Array {
  const payload = encoder.encode(JSON.stringify(value));
  const record = new Uint8Array(HEADER_BYTES + payload.length);
  record.set(payload, HEADER_BYTES);
  const header = new DataView(record.buffer, 0, HEADER_BYTES);
  header.setUint32(0, payload.length, true);
  header.setUint32(4, crc32c(payload), true);
  header.setUint32(8, number, true);
  header.setUint32(12, crc32c(record.subarray(0, 12)), true);
  return record;
}

/** `end`: position after the record. `torn`: the write of a last record was cut off. `corrupt`: anything else. */
export type ReadRecord =
  | { readonly kind: "record"; readonly number: number; readonly value: unknown; readonly end: number }
  | { readonly kind: "torn" }
  | { readonly kind: "corrupt"; readonly reason: string };

/** Reads the record at `start`, which is below the end of the file. */
export function readRecord(file: Uint8Array, start: number): ReadRecord {
  const left = file.length - start;
  if (left < HEADER_BYTES) return { kind: "torn" };
  const header = new DataView(file.buffer, file.byteOffset + start, HEADER_BYTES);
  if (header.getUint32(12, true) !== crc32c(file.subarray(start, start + 12))) {
    // Nothing says how long the record is, so all that is left must be its write.
    return hasMissingSector(file, start) ? { kind: "torn" } : { kind: "corrupt", reason: "a header is damaged" };
  }
  const end = start + HEADER_BYTES + header.getUint32(0, true);
  if (end > file.length) return { kind: "torn" };
  const payload = file.subarray(start + HEADER_BYTES, end);
  if (header.getUint32(4, true) !== crc32c(payload)) {
    const isTorn = end === file.length && hasMissingSector(file, start);
    return isTorn ? { kind: "torn" } : { kind: "corrupt", reason: "a record is damaged" };
  }
  try {
    return { kind: "record", number: header.getUint32(8, true), value: JSON.parse(decoder.decode(payload)), end };
  } catch {
    return { kind: "corrupt", reason: "a record is unreadable" };
  }
}

/**
 * True when a whole sector from `start` to the end of the file holds nothing but zeros: the file had grown, but that
 * sector of the last write never reached the disk. A flipped bit never looks like that.
 */
function hasMissingSector(file: Uint8Array, start: number): boolean {
  let from = start;
  while (from < file.length) {
    const to = Math.min(file.length, from - (from % SECTOR_BYTES) + SECTOR_BYTES);
    if (isZero(file, from, to)) return true;
    from = to;
  }
  return false;
}

function isZero(bytes: Uint8Array, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (bytes[at] !== 0) return false;
  return true;
}
