import { createRequire } from "node:module";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import type * as Lz4 from "lz4-napi";
import type * as Snappy from "snappy";
import { lz4FrameBytes } from "./lz4-size.ts";
import { isMalformed, MalformedError } from "./malformed.ts";
import { compressionCodecs } from "./record-batch.ts";

// Both are native and take some 12 MB together: loaded when a batch is first opened with them, which most brokers
// never do.
const require = createRequire(import.meta.url);
export const lz4 = (): typeof Lz4 => require("lz4-napi") as typeof Lz4;
export const snappy = (): typeof Snappy => require("snappy") as typeof Snappy;

/** A batch that opens to more than this is refused: a small frame must not become a huge heap. */
export const MAX_OPENED_BYTES = 128 * 1024 * 1024;
/** Snappy as Java's xerial library frames it: magic, two version numbers, then blocks behind their lengths. */
const XERIAL_MAGIC = Uint8Array.of(0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0);
const XERIAL_HEADER_BYTES = 16;
const XERIAL_VERSION = 1;

/**
 * Opens a batch's records. `codec` is the number of compressionCodecs; `none` returns `body` itself.
 * Throws MalformedError when the bytes are not what the codec makes, or open to more than `maxBytes`.
 */
export function decompress(codec: number, body: Uint8Array, maxBytes = MAX_OPENED_BYTES): Uint8Array {
  try {
    switch (codec) {
      case compressionCodecs.none:
        return body;
      case compressionCodecs.gzip:
        return gunzipSync(body, { maxOutputLength: maxBytes });
      case compressionCodecs.snappy:
        return openSnappy(body, maxBytes);
      case compressionCodecs.lz4:
        checkSize(lz4FrameBytes(body), maxBytes);
        return lz4().decompressFrameSync(asBuffer(body));
      case compressionCodecs.zstd:
        return zstdDecompressSync(body, { maxOutputLength: maxBytes });
      default:
        throw noCodec(codec);
    }
  } catch (error) {
    throw asMalformed(error);
  }
}

/** Compresses records as clients do. `codec` is a number of compressionCodecs. */
export function compress(codec: number, body: Uint8Array): Uint8Array {
  switch (codec) {
    case compressionCodecs.none:
      return body;
    case compressionCodecs.gzip:
      return gzipSync(body);
    case compressionCodecs.snappy:
      return snappy().compressSync(body);
    case compressionCodecs.lz4:
      return lz4().compressFrameSync(asBuffer(body));
    case compressionCodecs.zstd:
      return zstdCompressSync(body);
    default:
      throw noCodec(codec);
  }
}

export const noCodec = (codec: number): MalformedError =>
  new MalformedError(`compression codec ${codec} is none that exists`);

/** What a decompressor throws, as the fault of the bytes. */
export function asMalformed(error: unknown): Error {
  if (isMalformed(error)) return error as Error;
  return new MalformedError(`records do not decompress: ${Error.isError(error) ? error.message : "unknown reason"}`);
}

function openSnappy(body: Uint8Array, maxBytes: number): Uint8Array {
  const opened = Array.from(snappyBlocks(body, maxBytes), (block) => snappy().uncompressSync(block) as Buffer);
  return opened.length === 1 ? opened[0]! : Buffer.concat(opened);
}

/** The blocks of snappy's bytes, xerial's or one alone, checked to open to at most `maxBytes` together. */
export function* snappyBlocks(body: Uint8Array, maxBytes: number): Generator<Uint8Array> {
  if (!XERIAL_MAGIC.every((byte, index) => body[index] === byte)) {
    checkSize(snappyBlockBytes(body), maxBytes);
    yield body;
    return;
  }
  const view = asBuffer(body);
  let left = maxBytes;
  let at = XERIAL_HEADER_BYTES;
  while (at < view.length) {
    if (view.length - at < 4) throw new MalformedError("snappy block cut off");
    const length = view.readUInt32BE(at);
    if (length > view.length - at - 4) throw new MalformedError(`snappy block of ${length} bytes is cut off`);
    const block = view.subarray(at + 4, at + 4 + length);
    const openedBytes = snappyBlockBytes(block);
    checkSize(openedBytes, left);
    left -= openedBytes;
    yield block;
    at += 4 + length;
  }
}

/** Compressed snappy blocks as Java's xerial library frames them, which is how Kafka stores them. */
export function xerialFrame(blocks: readonly Uint8Array[]): Uint8Array {
  const header = Buffer.alloc(XERIAL_HEADER_BYTES);
  header.set(XERIAL_MAGIC);
  header.writeUInt32BE(XERIAL_VERSION, XERIAL_MAGIC.length);
  header.writeUInt32BE(XERIAL_VERSION, XERIAL_MAGIC.length + 4);
  const parts = blocks.flatMap((block) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(block.length);
    return [length, block];
  });
  return Buffer.concat([header, ...parts]);
}

/** A snappy block starts with the size that it opens to, as uvarint. */
function snappyBlockBytes(block: Uint8Array): number {
  let size = 0;
  for (let index = 0; index < 5; index++) {
    const byte = block[index] ?? 255;
    size += (byte & 127) * 2 ** (7 * index);
    if (byte < 128) return size;
  }
  throw new MalformedError("snappy block without a size");
}

export function checkSize(opened: number, maxBytes: number): void {
  if (opened > maxBytes) throw new MalformedError(`records open to ${opened} bytes, ${maxBytes} are allowed`);
}

const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
