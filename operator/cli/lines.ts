import { TidemarkError } from "#base/errors.ts";
import { LineCutter } from "#base/line-cutter.ts";

/** A line that can be no record of any topic: reading on would only fill memory. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;

/** The lines of one input; they may hold anything but a line feed. Throws BAD_INPUT where one has no end. */
export class InputLines {
  readonly #name: string;
  readonly #cutter = new LineCutter();

  /** @param name  Of the stream, for messages. */
  constructor(name: string) {
    this.#name = name;
  }

  push(chunk: Buffer): Buffer[] {
    const lines = [...this.#cutter.push(chunk)];
    if (this.#cutter.restBytes <= LINE_BYTES_MAX) return lines;
    throw new TidemarkError(
      "BAD_INPUT",
      `${this.#name} has a line of over ${LINE_BYTES_MAX} bytes; records end with a line feed`,
    );
  }

  /** The last line, when the input ended without a line feed. */
  end(): Buffer | null {
    const [last = null] = this.#cutter.end();
    return last;
  }
}
