const NO_BYTES = Buffer.alloc(0);

/**
 * Bytes that come in parts, put together in memory of their own: the parts may be used again. Whoever sends decides how
 * small they are; kept as they came, those of a byte would take a hundred times their size and more.
 */
export class GatheredBytes {
  #bytes: Buffer = NO_BYTES;
  #sizeBytes = 0;

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Copies `part` behind what is there. Memory at least doubles where it grows: no part is copied more often. */
  add(part: Uint8Array): void {
    const end = this.#sizeBytes + part.length;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, 2 * this.#bytes.length));
      this.#bytes.copy(larger, 0, 0, this.#sizeBytes);
      this.#bytes = larger;
    }
    this.#bytes.set(part, this.#sizeBytes);
    this.#sizeBytes = end;
  }

  /** All of it in one piece, which is the caller's; what is added from now on begins anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#sizeBytes);
    this.#bytes = NO_BYTES;
    this.#sizeBytes = 0;
    return taken;
  }
}
