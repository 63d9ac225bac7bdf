import { readFileSync } from "node:fs";
import { isOneOf } from "./token-match.ts";
import type { Tokens } from "../ports/tokens.ts";

/** A Secret that changes reaches the pod's files about a minute later; they are a few bytes to read. */
const AGE_MS_MAX = 5000;

const read = (file: string): string => {
  try {
    return readFileSync(file, "utf8").trim();
  } catch {
    // Not there (yet), or being replaced: what was read before goes on being in force.
    return "";
  }
};

/** Tokens in files, read again while the process runs. `previous` may be missing. */
export class TokenFiles implements Tokens {
  readonly #files: readonly string[];
  readonly #nowMs: () => number;
  #tokens: readonly string[] = [];
  #readAtMs = Number.NEGATIVE_INFINITY;

  /** `nowMs`: monotonic. */
  constructor(files: { current: string; previous?: string }, nowMs: () => number) {
    this.#files = files.previous === undefined ? [files.current] : [files.current, files.previous];
    this.#nowMs = nowMs;
  }

  get current(): string {
    return this.#fresh()[0] ?? "";
  }

  accepts(candidate: string): boolean {
    return isOneOf(candidate, this.#fresh());
  }

  #fresh(): readonly string[] {
    if (this.#nowMs() - this.#readAtMs < AGE_MS_MAX) return this.#tokens;
    this.#readAtMs = this.#nowMs();
    const [current = "", ...earlier] = this.#files.map(read);
    if (current !== "") this.#tokens = [current, ...earlier.filter((token) => token !== "")];
    return this.#tokens;
  }
}
