import type { TopicConfig } from "../contract/config-values.ts";
import type { Compression } from "../wire/compression-in-threads.ts";
import { compressionCodecs, compressionOf } from "../wire/record-batch.ts";

/** How a producer's batch is to be compressed before it is stored; null: it is stored as it came. */
export function storedCompression(batch: Uint8Array, config: TopicConfig): Compression | null {
  const { compressionType: type } = config;
  if (type === "producer") return null;
  const codec = type === "uncompressed" ? compressionCodecs.none : compressionCodecs[type];
  if (compressionOf(batch, 0) === codec) return null;
  if (type === "gzip") return { codec, level: config.compressionGzipLevel };
  return type === "zstd" ? { codec, level: config.compressionZstdLevel } : { codec };
}
