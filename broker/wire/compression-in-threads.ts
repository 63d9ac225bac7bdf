import { promisify } from "node:util";
import zlib from "node:zlib";
import {
  asMalformed,
  checkSize,
  lz4,
  MAX_OPENED_BYTES,
  noCodec,
  snappy,
  snappyBlocks,
  xerialFrame,
} from "./compression.ts";
import { lz4FrameBytes } from "./lz4-size.ts";
import { compressionCodecs } from "./record-batch.ts";

/*
 * Compression beside the event loop: in the threads of libuv and of the native libraries. A megabyte takes gzip some
 * 30 ms, in which a broker serves thousands of requests.
 */

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gzip);
const gunzip = promisify<Uint8Array, zlib.ZlibOptions, Uint8Array>(zlib.gunzip);
const zstd = promisify<Uint8Array, zlib.ZstdOptions, Uint8Array>(zlib.zstdCompress);
const unzstd = promisify<Uint8Array, zlib.ZstdOptions, Uint8Array>(zlib.zstdDecompress);
/** As Kafka's. */
const SNAPPY_BLOCK_BYTES = 32 * 1024;

/** A codec, and how hard it is to try: gzip's or zstd's level, where there is one. */
export interface Compression {
  /** Number of compressionCodecs. */
  readonly codec: number;
  readonly level?: number;
}

/** Opens a batch's records, as `decompress` does. Rejects with MalformedError. */
export async function decompressInThread(
  codec: number,
  body: Uint8Array,
  maxBytes = MAX_OPENED_BYTES,
): Promise<Uint8Array> {
  try {
    switch (codec) {
      case compressionCodecs.none:
        return body;
      case compressionCodecs.gzip:
        return await gunzip(body, { maxOutputLength: maxBytes });
      case compressionCodecs.snappy:
        return await openSnappy(body, maxBytes);
      case compressionCodecs.lz4:
        checkSize(lz4FrameBytes(body), maxBytes);
        return await lz4().decompressFrame(body);
      case compressionCodecs.zstd:
        return await unzstd(body, { maxOutputLength: maxBytes });
      default:
        throw noCodec(codec);
    }
  } catch (error) {
    throw asMalformed(error);
  }
}

/** Compresses records as Kafka stores them. */
export async function compressInThread({ codec, level }: Compression, body: Uint8Array): Promise<Uint8Array> {
  switch (codec) {
    case compressionCodecs.none:
      return body;
    case compressionCodecs.gzip:
      return await gzip(body, level === undefined ? {} : { level });
    case compressionCodecs.snappy:
      return await packSnappy(body);
    case compressionCodecs.lz4:
      return await lz4().compressFrame(body);
    case compressionCodecs.zstd:
      return await zstd(
        body,
        level === undefined ? {} : { params: { [zlib.constants.ZSTD_c_compressionLevel]: level } },
      );
    default:
      throw noCodec(codec);
  }
}

async function openSnappy(body: Uint8Array, maxBytes: number): Promise<Uint8Array> {
  const opened: Uint8Array[] = [];
  for (const block of snappyBlocks(body, maxBytes)) opened.push((await snappy().uncompress(block)) as Buffer);
  return Buffer.concat(opened);
}

async function packSnappy(body: Uint8Array): Promise<Uint8Array> {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < body.length; at += SNAPPY_BLOCK_BYTES) {
    blocks.push(await snappy().compress(body.subarray(at, at + SNAPPY_BLOCK_BYTES)));
  }
  return xerialFrame(blocks);
}
