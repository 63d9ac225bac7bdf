const NEWLINE = 0x0a;
const NO_BYTES = Buffer.alloc(0);

/** Cuts a stream into lines, without their ends. */
export class LineSplitter {
  #rest: Buffer = NO_BYTES;

  /** Bytes of a line that has not ended yet. */
  get restBytes(): number {
    return this.#rest.length;
  }

  /** Lines that end in `chunk`; what follows the last of them is kept for the next. */
  *push(chunk: Buffer): Generator<Buffer> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = chunk.subarray(from, end);
      yield this.#rest.length === 0 ? line : Buffer.concat([this.#rest, line]);
      this.#rest = NO_BYTES;
      from = end + 1;
    }
    if (from < chunk.length) this.#rest = Buffer.concat([this.#rest, chunk.subarray(from)]);
  }

  /** The last line, when the stream ended without the end of it. */
  *end(): Generator<Buffer> {
    if (this.#rest.length > 0) yield this.#rest;
    this.#rest = NO_BYTES;
  }
}
