import { TidemarkError } from "../base/errors.ts";
import type { Offset } from "../base/ids.ts";
import {
  DATA_HEADER_BYTES,
  type DataFrame,
  decodeSmall,
  FRAME_BYTES_MAX,
  FrameKind,
  FrameReader,
  type FromFollower,
  type FromLeader,
  HEADER_BYTES,
  SMALL_FRAME_BYTES_MAX,
} from "./frames.ts";

const KIND_AT = 4;

/**
 * Cuts chunks into frames. A chunk is not kept beyond `push`: the batches of a data frame are copied, once, into one
 * buffer that belongs to the receiver.
 */
export class FrameDecoder {
  readonly #onFrame: (frame: FromFollower | FromLeader) => void;
  readonly #allocate: ((sizeBytes: number) => Uint8Array) | null;
  /** Start of a frame whose header, or whose whole if it is small, is not complete yet. */
  readonly #head = new Uint8Array(SMALL_FRAME_BYTES_MAX);
  #headBytes = 0;
  /** The data frame that is being filled. */
  #open: DataFrame | null = null;
  #filledBytes = 0;
  #isStopped = false;

  /** `allocate` gives memory for records; null where none may come, as from a follower. */
  constructor(
    options: { allocate: ((sizeBytes: number) => Uint8Array) | null },
    onFrame: (frame: FromFollower | FromLeader) => void,
  ) {
    this.#allocate = options.allocate;
    this.#onFrame = onFrame;
  }

  /** No frame is handed out any more. */
  stop(): void {
    this.#isStopped = true;
    this.#open = null;
  }

  /** @throws TidemarkError PEER_MALFORMED; the stream must be destroyed then. */
  push(chunk: Uint8Array): void {
    try {
      let at = 0;
      while (at < chunk.length && !this.#isStopped) at = this.#take(chunk, at);
    } catch (cause) {
      if (Error.isError(cause) && cause.name === "RangeError") {
        throw new TidemarkError("PEER_MALFORMED", `a replication peer sent nonsense: ${cause.message}`, { cause });
      }
      throw cause;
    }
  }

  /** Takes what it can from `at` on; answers where the rest begins. */
  #take(chunk: Uint8Array, at: number): number {
    if (this.#open !== null) return this.#fill(this.#open, chunk, at);
    const start = at;
    at = this.#gather(chunk, at, HEADER_BYTES);
    if (this.#headBytes < HEADER_BYTES) return at;
    const sizeBytes = 4 + (new FrameReader(this.#head, 0, HEADER_BYTES).int() >>> 0);
    const kind = this.#head[KIND_AT]!;
    if (kind === FrameKind.data) return this.#startData(chunk, at, sizeBytes);
    if (sizeBytes < HEADER_BYTES || sizeBytes > SMALL_FRAME_BYTES_MAX) {
      throw new RangeError(`a frame of ${sizeBytes} bytes`);
    }
    at = this.#gather(chunk, at, sizeBytes);
    if (this.#headBytes === sizeBytes) {
      this.#headBytes = 0;
      this.#onFrame(decodeSmall(kind, new FrameReader(this.#head, HEADER_BYTES, sizeBytes)));
    }
    if (at === start) throw new RangeError("no progress over a frame");
    return at;
  }

  /** Copies into the head until it has `wanted` bytes. */
  #gather(chunk: Uint8Array, at: number, wanted: number): number {
    const missing = wanted - this.#headBytes;
    if (missing <= 0) return at;
    const end = at + Math.min(missing, chunk.length - at);
    // So few bytes that a loop costs less than a view of them.
    while (at < end) this.#head[this.#headBytes++] = chunk[at++]!;
    return end;
  }

  #startData(chunk: Uint8Array, at: number, sizeBytes: number): number {
    const allocate = this.#allocate;
    if (allocate === null || sizeBytes <= DATA_HEADER_BYTES || sizeBytes > FRAME_BYTES_MAX)
      throw new RangeError(`records of ${sizeBytes} bytes`);
    at = this.#gather(chunk, at, DATA_HEADER_BYTES);
    if (this.#headBytes < DATA_HEADER_BYTES) return at;
    this.#headBytes = 0;
    const reader = new FrameReader(this.#head, HEADER_BYTES, DATA_HEADER_BYTES);
    const handle = reader.int();
    const highWatermark = reader.long(0) as Offset;
    const logStart = reader.long(0) as Offset;
    const batchesBytes = sizeBytes - DATA_HEADER_BYTES;
    const batches = allocate(batchesBytes);
    this.#open = { kind: "data", handle, highWatermark, logStart, batches };
    this.#filledBytes = 0;
    return at < chunk.length ? this.#fill(this.#open, chunk, at) : at;
  }

  #fill(frame: DataFrame, chunk: Uint8Array, at: number): number {
    const taken = Math.min(frame.batches.length - this.#filledBytes, chunk.length - at);
    frame.batches.set(taken === chunk.length && at === 0 ? chunk : chunk.subarray(at, at + taken), this.#filledBytes);
    this.#filledBytes += taken;
    if (this.#filledBytes === frame.batches.length) {
      this.#open = null;
      this.#onFrame(frame);
    }
    return at + taken;
  }
}
