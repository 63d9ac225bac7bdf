import type { Random } from "../../../broker/base/random.ts";

/** FNV-1a over a name: where a stream of random numbers starts. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/**
 * Random numbers from a seed (sfc32). Each user has a stream of its own, named, so that one more draw in one place
 * does not change what all others draw.
 */
export class SeededRandom implements Random {
  readonly #seed: number;
  readonly #stream: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number, stream: string) {
    this.#seed = seed;
    this.#stream = stream;
    this.#a = seed | 0;
    this.#b = hashOf(stream) | 0;
    this.#c = 0x9e3779b9 | 0;
    for (let round = 0; round < 12; round++) this.bits();
  }

  /** Another stream of the same seed. */
  split(name: string): SeededRandom {
    return new SeededRandom(this.#seed, `${this.#stream}/${name}`);
  }

  /** 32 random bits, unsigned. */
  bits(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + sum) | 0;
    return sum >>> 0;
  }

  next(): number {
    return this.bits() / 0x1_0000_0000;
  }

  id(): string {
    let text = "";
    for (let word = 0; word < 4; word++) text += this.bits().toString(16).padStart(8, "0");
    return text;
  }

  /** A whole number in [0, bound). */
  below(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  /** A whole number in [least, most]. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error("pick from an empty list");
    return item;
  }

  shuffled<T>(list: readonly T[]): T[] {
    const copy = [...list];
    for (let at = copy.length - 1; at > 0; at--) {
      const other = this.below(at + 1);
      const held = copy[at] as T;
      copy[at] = copy[other] as T;
      copy[other] = held;
    }
    return copy;
  }
}
