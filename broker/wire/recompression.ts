import { type Compression, compressInThread, decompressInThread } from "./compression-in-threads.ts";
import { isMalformed } from "./malformed.ts";
import {
  attributeBits,
  attributesOf,
  BATCH_HEADER_BYTES,
  compressionCodecs,
  compressionOf,
  withBody,
} from "./record-batch.ts";
import { type BatchFault, type BatchLimits, tooLarge, UNREADABLE, validateOpened } from "./record-batch-validation.ts";

export type Recompressed =
  | { readonly kind: "batch"; readonly bytes: Uint8Array }
  | { readonly kind: "fault"; readonly fault: BatchFault };

/**
 * A batch that `validateBatch` found sound, compressed otherwise: its records are the same bytes, so offsets, times,
 * keys and headers are untouched, and so is the producer's session. Records that only now come to light are checked
 * like uncompressed ones, and the batch as it will be stored must fit `max.message.bytes`, too. `batch` may be changed
 * (its greatest timestamp put right) and must stay as it is meanwhile.
 */
export async function recompress(batch: Uint8Array, to: Compression, limits: BatchLimits): Promise<Recompressed> {
  const from = compressionOf(batch, 0);
  let records = batch.subarray(BATCH_HEADER_BYTES);
  if (from !== compressionCodecs.none) {
    try {
      records = await decompressInThread(from, records);
    } catch (error) {
      if (!isMalformed(error)) throw error;
      return { kind: "fault", fault: UNREADABLE };
    }
    const fault = validateOpened(batch, records, limits);
    if (fault !== undefined) return { kind: "fault", fault };
  }
  const body = await compressInThread(to, records);
  const size = BATCH_HEADER_BYTES + body.length;
  if (size > limits.maxBatchBytes) return { kind: "fault", fault: tooLarge(size, limits.maxBatchBytes) };
  const attributes = (attributesOf(batch, 0) & ~attributeBits.compression) | to.codec;
  return { kind: "batch", bytes: withBody(batch, 0, { body, attributes }) };
}
