import { TidemarkError } from "#base/errors.ts";

const NEWLINE = 10;
/** A line that can be no record of any topic: reading on would only fill memory. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

/** Cuts a stream of bytes into lines; they may hold anything but a line feed. */
export class LineCutter {
  readonly #name: string;
  #rest: Buffer[] = [];
  #restBytes = 0;

  /** @param name  Of the stream, for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  push(chunk: Buffer): Buffer[] {
    const lines: Buffer[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      lines.push(this.#joined(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return lines;
  }

  /** The last line, when the input ended without a line feed. */
  end(): Buffer | null {
    return this.#restBytes === 0 ? null : this.#joined(Buffer.alloc(0));
  }

  #keep(part: Buffer): void {
    this.#rest.push(part);
    this.#restBytes += part.length;
    if (this.#restBytes > LINE_BYTES_MAX) {
      throw new TidemarkError(
        "BAD_INPUT",
        `${this.#name} has a line of over ${LINE_BYTES_MAX} bytes; records end with a line feed`,
      );
    }
  }

  #joined(last: Buffer): Buffer {
    if (this.#rest.length === 0) return last;
    const line = Buffer.concat([...this.#rest, last]);
    this.#rest = [];
    this.#restBytes = 0;
    return line;
  }
}
