import { GatheredBytes } from "./gathered-bytes.ts";

const NEWLINE = 10;

/** Cuts a stream of chunks into lines, without their line feeds. A line that lies in one chunk is a view on it. */
export class LineCutter {
  readonly #rest = new GatheredBytes();

  /** Bytes of a line that has not ended yet: whoever reads on without a bound fills memory. */
  get restBytes(): number {
    return this.#rest.sizeBytes;
  }

  /** Lines that end in `chunk`, each cut when it is asked for; what follows the last of them is copied for the next. */
  *push(chunk: Uint8Array): Generator<Buffer> {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const part = chunk.subarray(from, end);
      from = end + 1;
      yield this.#lineEndingIn(part);
    }
    if (from < chunk.length) this.#rest.add(chunk.subarray(from));
  }

  /** The last line, when the stream ended without a line feed. */
  *end(): Generator<Buffer> {
    if (this.restBytes > 0) yield this.#rest.take();
  }

  #lineEndingIn(part: Uint8Array): Buffer {
    if (this.restBytes === 0) return Buffer.from(part.buffer, part.byteOffset, part.length);
    this.#rest.add(part);
    return this.#rest.take();
  }
}
