import type { DiskFile } from "../ports/disk.ts";
import { BATCH_HEADER_BYTES, MAGIC_V2, magicOf, sizeBytesOf } from "../wire/record-batch.ts";

const BLOCK_BYTES = 1024 * 1024;
/** No batch is larger: a request is not. A greater length is damage, and not worth the memory to look at. */
export const BATCH_BYTES_MAX = 128 * 1024 * 1024;

/** Why a scan ended, and at which position of the file. */
export interface ScanEnd {
  readonly position: number;
  /**
   * `end`: all read. `stopped`: the visitor said so, before the batch at `position`. `short`: what stands at
   * `position` looks like a batch but the file ends first. `bad`: no batch can look like that.
   */
  readonly kind: "end" | "stopped" | "short" | "bad";
  readonly readBytes: number;
}

/** Looks at the batch at `at` in `bytes` (whole, not verified beyond length and magic); false stops before it. */
export type BatchVisitor = (bytes: Uint8Array, at: number, place: { position: number; sizeBytes: number }) => boolean;

/** Walks the whole batches of `file` from position `from` to `to`, in blocks. */
export async function scanBatches(
  file: DiskFile,
  range: { from: number; to: number },
  visit: BatchVisitor,
): Promise<ScanEnd> {
  let position = range.from;
  let readBytes = 0;
  let needBytes = 0;
  for (;;) {
    const block = new Uint8Array(Math.min(range.to - position, Math.max(BLOCK_BYTES, needBytes)));
    const length = await file.read(block, position);
    readBytes += length;
    const isLastBlock = length < block.length || position + length >= range.to;
    const walked = walkBlock(block.subarray(0, length), position, visit);
    position += walked.at;
    if (walked.kind !== "more") return { position, kind: walked.kind, readBytes };
    if (walked.at === length && isLastBlock) return { position, kind: "end", readBytes };
    if (isLastBlock) return { position, kind: "short", readBytes };
    needBytes = walked.needBytes;
  }
}

interface WalkEnd {
  readonly at: number;
  readonly kind: "stopped" | "bad" | "more";
  /** Bytes from `at` that the next block must have. */
  readonly needBytes: number;
}

function walkBlock(block: Uint8Array, position: number, visit: BatchVisitor): WalkEnd {
  let at = 0;
  while (block.length - at >= BATCH_HEADER_BYTES) {
    const sizeBytes = sizeBytesOf(block, at);
    if (sizeBytes < BATCH_HEADER_BYTES || sizeBytes > BATCH_BYTES_MAX || magicOf(block, at) !== MAGIC_V2) {
      return { at, kind: "bad", needBytes: 0 };
    }
    if (sizeBytes > block.length - at) return { at, kind: "more", needBytes: sizeBytes };
    if (!visit(block, at, { position: position + at, sizeBytes })) return { at, kind: "stopped", needBytes: 0 };
    at += sizeBytes;
  }
  return { at, kind: "more", needBytes: BATCH_HEADER_BYTES };
}
