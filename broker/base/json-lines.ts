import { TidemarkError } from "./errors.ts";

const NEWLINE = 10;
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
  #parts: Uint8Array[] = [];
  #partsBytes = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** The values completed by `chunk`, in order. */
  push(chunk: Uint8Array): unknown[] {
    const values: unknown[] = [];
    let start = 0;
    for (;;) {
      const end = chunk.indexOf(NEWLINE, start);
      if (end < 0) break;
      values.push(this.#complete(chunk.subarray(start, end)));
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
    return values;
  }

  #keep(part: Uint8Array): void {
    this.#partsBytes += part.length;
    if (this.#partsBytes > this.#lineBytesMax) {
      throw new TidemarkError("PEER_MALFORMED", `a message of over ${this.#lineBytesMax} bytes came; closing`);
    }
    this.#parts.push(part);
  }

  #complete(last: Uint8Array): unknown {
    this.#keep(last);
    const line = this.#parts.length === 1 ? last : concat(this.#parts, this.#partsBytes);
    this.#parts = [];
    this.#partsBytes = 0;
    try {
      return JSON.parse(this.#decoder.decode(line));
    } catch (cause) {
      throw new TidemarkError("PEER_MALFORMED", "a message that is no JSON came; closing", { cause });
    }
  }
}

function concat(parts: readonly Uint8Array[], sizeBytes: number): Uint8Array {
  const whole = new Uint8Array(sizeBytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
