import { MalformedError } from "./malformed.ts";

const MAGIC = 0x184d2204;
const FLAG_BLOCK_CHECKSUM = 0x10;
const FLAG_CONTENT_SIZE = 0x08;
const FLAG_DICTIONARY = 0x01;
const UNCOMPRESSED_BIT = 0x8000_0000;
const LEAST_MATCH_BYTES = 4;

/**
 * Bytes that an LZ4 frame opens to, found by walking its blocks without opening them: the frame need not say it, and a
 * decompressor that allocates first and counts later could be made to fill the heap.
 * Source: LZ4 frame format 1.6 and block format. Throws MalformedError on anything else.
 */
export function lz4FrameBytes(frame: Uint8Array): number {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < 7 || view.getUint32(0, true) !== MAGIC) throw new MalformedError("no LZ4 frame");
  const flags = frame[4]!;
  const checksumBytes = (flags & FLAG_BLOCK_CHECKSUM) === 0 ? 0 : 4;
  let at = 7 + ((flags & FLAG_CONTENT_SIZE) === 0 ? 0 : 8) + ((flags & FLAG_DICTIONARY) === 0 ? 0 : 4);
  let opened = 0;
  while (at + 4 <= frame.length) {
    const header = view.getUint32(at, true);
    if (header === 0) return opened;
    const size = header % UNCOMPRESSED_BIT;
    const from = at + 4;
    if (size > frame.length - from) throw new MalformedError(`LZ4 block of ${size} bytes is cut off`);
    opened += header >= UNCOMPRESSED_BIT ? size : blockBytes(frame, from, from + size);
    at = from + size + checksumBytes;
  }
  throw new MalformedError("LZ4 frame without an end");
}

/** Bytes that the block `bytes[from, end)` opens to: literals and matches, sequence by sequence. */
function blockBytes(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  let opened = 0;
  while (at < end) {
    const token = bytes[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more = 255;
      while (more === 255 && at < end) literals += more = bytes[at++]!;
    }
    at += literals;
    opened += literals;
    if (at >= end) break;
    at += 2;
    let match = (token & 15) + LEAST_MATCH_BYTES;
    if ((token & 15) === 15) {
      let more = 255;
      while (more === 255 && at < end) match += more = bytes[at++]!;
    }
    opened += match;
  }
  return opened;
}
