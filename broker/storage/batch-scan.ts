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

/** What one read has brought; `more`: its whole batches are walked, and others follow. */
export interface ScanStep extends Omit<ScanEnd, "kind"> {
  readonly kind: ScanEnd["kind"] | "more";
}

/** Positions in a file. */
export interface ScanRange {
  readonly from: number;
  readonly to: number;
}

/** Looks at the batch at `at` in `bytes` (whole, not verified beyond length and magic); false stops before it. */
export type BatchVisitor = (bytes: Uint8Array, at: number, place: { position: number; sizeBytes: number }) => boolean;

/** Walks the whole batches of `file` from position `from` to `to`, in blocks. */
export async function scanBatches(file: DiskFile, range: ScanRange, visit: BatchVisitor): Promise<ScanEnd> {
  const block = new ScanBlock(BLOCK_BYTES);
  let position = range.from;
  let readBytes = 0;
  for (;;) {
    const step = await block.scan(file, { from: position, to: range.to }, visit);
    position = step.position;
    readBytes += step.readBytes;
    if (step.kind !== "more") return { position, kind: step.kind, readBytes };
  }
}

/** One block of memory, into which one stretch of a file after the other is read. */
export class ScanBlock {
  readonly #blockBytes: number;
  #memory = new Uint8Array(0);
  /** Bytes that the next stretch must have: what stands there does not fit into a block. */
  #needBytes = 0;

  /** `blockBytes`: read at once, unless a single batch has more. */
  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  /**
   * Reads once and walks the whole batches in that, `more` when others follow, to be asked for from `position` on. What
   * the visitor sees is overwritten by the next scan.
   */
  async scan(file: DiskFile, range: ScanRange, visit: BatchVisitor): Promise<ScanStep> {
    const block = this.#room(Math.min(range.to - range.from, Math.max(this.#blockBytes, this.#needBytes)));
    const readBytes = await file.read(block, range.from);
    const walked = walkBlock(block.subarray(0, readBytes), range.from, visit);
    this.#needBytes = walked.kind === "more" ? walked.needBytes : 0;
    const position = range.from + walked.at;
    const isLast = readBytes < block.length || range.from + readBytes >= range.to;
    if (walked.kind !== "more" || !isLast) return { position, kind: walked.kind, readBytes };
    return { position, kind: walked.at === readBytes ? "end" : "short", readBytes };
  }

  #room(sizeBytes: number): Uint8Array {
    if (this.#memory.length < sizeBytes) this.#memory = new Uint8Array(sizeBytes);
    return this.#memory.subarray(0, sizeBytes);
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
