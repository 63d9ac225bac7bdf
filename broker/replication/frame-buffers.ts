/** Buffers come in powers of two between these; a larger one is allocated for itself and not kept. */
const SIZE_BITS_MIN = 12;
const SIZE_BITS_MAX = 20;
/** What may lie idle. */
const IDLE_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Memory for the records of data frames, used again once they are on disk: to allocate it anew for hundreds of
 * megabytes a second keeps the garbage collector busy.
 */
export class FrameBuffers {
  readonly #idle: Uint8Array[][] = Array.from({ length: SIZE_BITS_MAX + 1 }, () => []);
  #idleBytes = 0;

  get idleBytes(): number {
    return this.#idleBytes;
  }

  /** `sizeBytes` ≥ 1 of memory with any content, at least half of what it stands in. */
  take(sizeBytes: number): Uint8Array {
    const bits = bitsFor(sizeBytes);
    if (bits > SIZE_BITS_MAX) return allocate(sizeBytes);
    const whole = this.#idle[bits]?.pop();
    if (whole === undefined) return allocate(2 ** bits).subarray(0, sizeBytes);
    this.#idleBytes -= whole.length;
    return whole.subarray(0, sizeBytes);
  }

  /** Takes back what `take` gave: nobody may look at it any more. */
  giveBack(buffer: Uint8Array): void {
    const sizeBytes = buffer.buffer.byteLength;
    const bits = bitsFor(sizeBytes);
    if (bits > SIZE_BITS_MAX || this.#idleBytes + sizeBytes > IDLE_BYTES_MAX) return;
    this.#idle[bits]?.push(new Uint8Array(buffer.buffer));
    this.#idleBytes += sizeBytes;
  }
}

function bitsFor(sizeBytes: number): number {
  const bits = 32 - Math.clz32(sizeBytes - 1);
  return bits < SIZE_BITS_MIN ? SIZE_BITS_MIN : bits;
}

const allocate = (sizeBytes: number): Uint8Array => new Uint8Array(Buffer.allocUnsafeSlow(sizeBytes).buffer);
