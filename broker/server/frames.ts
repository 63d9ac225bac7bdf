import { SIZE_BYTES } from "../wire/frame.ts";

/** A frame up to this size may be a view on the chunk it came in; the log copies records of such a frame anyway. */
export const VIEW_BYTES_MAX = 16 * 1024 - 1;
/** Memory set aside for a frame before its bytes have come: an announced size alone costs no more than this. */
const FIRST_CAPACITY_BYTES = 1024 * 1024;

/** Why a stream cannot be cut into frames any further. */
export type FrameProblem =
  | { readonly kind: "http" }
  | { readonly kind: "tls" }
  | { readonly kind: "size"; readonly size: number };

/**
 * Cuts chunks into frames, each without its size prefix. A small frame that lies within one chunk is a view on it, as
 * good as the chunk is (`isView`); any other is gathered in a buffer of its own, which grows as its bytes arrive.
 */
export class FrameCutter {
  readonly #sizeMax: number;
  #chunk: Uint8Array | null = null;
  #at = 0;
  /** Size prefix so far, when a chunk ended within one. */
  #prefix = 0;
  #prefixBytes = 0;
  #gathered: Uint8Array | null = null;
  #gatheredBytes = 0;
  #frameBytes = -1;
  #isFirst = true;
  problem: FrameProblem | null = null;
  /** Of the frame that `next` gave last: it is a view on the chunk, not memory of its own. */
  isView = false;

  constructor(frameBytesMax: number) {
    this.#sizeMax = frameBytesMax;
  }

  /** Hands over the next chunk. The one before must have been used up: `next` returned null. */
  push(chunk: Uint8Array): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Makes what is left of the chunk the cutter's own, before the chunk's memory gets other content. */
  keep(): void {
    if (this.#chunk === null) return;
    this.#chunk = ownBytes(this.#chunk.subarray(this.#at));
    this.#at = 0;
  }

  /** The next whole frame, or null: more is needed, or `problem` says why there will be none. */
  next(): Uint8Array | null {
    if (this.problem !== null) return null;
    if (this.#frameBytes < 0 && !this.#readSize()) return null;
    return this.#gathered === null ? this.#viewOrGather() : this.#gather(this.#gathered);
  }

  #readSize(): boolean {
    const chunk = this.#chunk;
    if (chunk === null) return false;
    while (this.#prefixBytes < SIZE_BYTES) {
      if (this.#at === chunk.length) return this.#useUp();
      this.#prefix = (this.#prefix << 8) | chunk[this.#at++]! | 0;
      this.#prefixBytes++;
    }
    const size = this.#prefix;
    this.#prefix = 0;
    this.#prefixBytes = 0;
    if (this.#isFirst) this.problem = foreignProtocol(size);
    this.#isFirst = false;
    if (this.problem === null && (size < 0 || size > this.#sizeMax)) this.problem = { kind: "size", size };
    if (this.problem !== null) return false;
    this.#frameBytes = size;
    return true;
  }

  #useUp(): false {
    this.#chunk = null;
    return false;
  }

  #viewOrGather(): Uint8Array | null {
    const chunk = this.#chunk;
    const size = this.#frameBytes;
    if (chunk === null || chunk.length - this.#at < size || size > VIEW_BYTES_MAX) {
      this.#gathered = Buffer.allocUnsafeSlow(Math.min(size, FIRST_CAPACITY_BYTES));
      this.#gatheredBytes = 0;
      return this.#gather(this.#gathered);
    }
    const frame = chunk.subarray(this.#at, this.#at + size);
    this.isView = true;
    this.#at += size;
    this.#frameBytes = -1;
    return frame;
  }

  #gather(gathered: Uint8Array): Uint8Array | null {
    const chunk = this.#chunk;
    if (chunk === null) return null;
    const size = this.#frameBytes;
    const taken = Math.min(size - this.#gatheredBytes, chunk.length - this.#at);
    const needed = this.#gatheredBytes + taken;
    let target = gathered;
    if (needed > gathered.length) {
      target = Buffer.allocUnsafeSlow(Math.min(size, Math.max(needed, gathered.length * 2)));
      target.set(gathered.subarray(0, this.#gatheredBytes));
      this.#gathered = target;
    }
    target.set(chunk.subarray(this.#at, this.#at + taken), this.#gatheredBytes);
    this.#at += taken;
    this.#gatheredBytes = needed;
    if (needed < size) {
      this.#chunk = null;
      return null;
    }
    this.#gathered = null;
    this.#frameBytes = -1;
    this.isView = false;
    return target;
  }
}

/** A copy in memory of its own. */
export const ownBytes = (bytes: Uint8Array): Uint8Array => new Uint8Array(bytes);

const HTTP_METHODS = ["GET ", "HEAD", "POST", "PUT ", "DELE", "OPTI", "PATC", "CONN", "TRAC", "PRI "];
const HTTP_STARTS: ReadonlySet<number> = new Set(HTTP_METHODS.map((method) => Buffer.from(method).readInt32BE(0)));

/** What the first four bytes of a stream look like when they are no size. */
function foreignProtocol(size: number): FrameProblem | null {
  if (HTTP_STARTS.has(size)) return { kind: "http" };
  // A TLS record: handshake (22), version 3.x.
  return size >>> 16 === 0x1603 ? { kind: "tls" } : null;
}
