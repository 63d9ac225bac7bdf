import { zstdCompressSync } from "node:zlib";
import kafkajs from "kafkajs";
import type { CodecName } from "./command-options.ts";

const { CompressionCodecs, CompressionTypes } = kafkajs;

const types = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
} as const satisfies Readonly<Record<CodecName, kafkajs.CompressionTypes>>;

/** What the client library leaves to us. Snappy and lz4 are native: loaded by who uses them. */
const compressors: Readonly<Record<string, () => Promise<(bytes: Buffer) => Buffer>>> = {
  snappy: async () => (await import("snappy")).compressSync,
  lz4: async () => (await import("lz4-napi")).compressFrameSync,
  zstd: async () => (bytes) => zstdCompressSync(bytes),
};

/** The client library's number for a codec, which it can write from now on. */
export async function codecOf(name: CodecName): Promise<kafkajs.CompressionTypes> {
  const compress = await compressors[name]?.();
  if (compress === undefined || name === "none") return types[name];
  CompressionCodecs[types[name]] = () => ({
    compress: async ({ buffer }: { buffer: Buffer }) => compress(buffer),
    // Only answers to a fetch are opened, and a producer asks for none.
    decompress: () => Promise.reject(new Error("a producer reads nothing")),
  });
  return types[name];
}
