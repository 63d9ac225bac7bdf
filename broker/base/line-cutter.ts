const NEWLINE = 10;

/** Cuts a stream of chunks into lines, without their line feeds. A line that lies in one chunk is a view on it. */
export class LineCutter {
  #parts: Uint8Array[] = [];
  #partsBytes = 0;

  /** Bytes of a line that has not ended yet: whoever reads on without a bound fills memory. */
  get restBytes(): number {
    return this.#partsBytes;
  }

  /** Lines that end in `chunk`, each cut when it is asked for; what follows the last of them is kept for the next. */
  *push(chunk: Uint8Array): Generator<Buffer> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      from = end + 1;
      yield this.#line();
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  /** The last line, when the stream ended without a line feed. */
  *end(): Generator<Buffer> {
    if (this.#partsBytes > 0) yield this.#line();
  }

  #keep(part: Uint8Array): void {
    this.#parts.push(part);
    this.#partsBytes += part.length;
  }

  #line(): Buffer {
    const [first] = this.#parts;
    const isView = first !== undefined && this.#parts.length === 1;
    const line = isView
      ? Buffer.from(first.buffer, first.byteOffset, first.length)
      : Buffer.concat(this.#parts, this.#partsBytes);
    this.#parts = [];
    this.#partsBytes = 0;
    return line;
  }
}
