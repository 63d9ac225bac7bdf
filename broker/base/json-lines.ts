import { TidemarkError } from "./errors.ts";
import { LineCutter } from "./line-cutter.ts";

const encoder = new TextEncoder();

/** One value as a line of JSON, ready to send. */
export const encodeLine = (value: unknown): Uint8Array => encoder.encode(`${JSON.stringify(value)}\n`);

/**
 * Cuts a stream of chunks into lines of JSON. A line over `lineBytesMax`, or one that is no JSON, throws
 * PEER_MALFORMED.
 */
export class LineDecoder {
  readonly #lineBytesMax: number;
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  readonly #cutter = new LineCutter();

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The values completed by `chunk`, in order. */
  push(chunk: Uint8Array): unknown[] {
    const values: unknown[] = [];
    for (const line of this.#cutter.push(chunk)) {
      this.#mustFit(line.length);
      values.push(this.#parse(line));
    }
    this.#mustFit(this.#cutter.restBytes);
    return values;
  }

  #mustFit(sizeBytes: number): void {
    if (sizeBytes <= this.#lineBytesMax) return;
    throw new TidemarkError("PEER_MALFORMED", `a message of over ${this.#lineBytesMax} bytes came; closing`);
  }

  #parse(line: Uint8Array): unknown {
    try {
      return JSON.parse(this.#decoder.decode(line));
    } catch (cause) {
      throw new TidemarkError("PEER_MALFORMED", "a message that is no JSON came; closing", { cause });
    }
  }
}
