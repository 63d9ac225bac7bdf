import { assert } from "../base/assert.ts";
import { SipHash128, type SipKey } from "../base/sip-hash.ts";

const SLOT_BYTES = 24;
const WORDS = 4;
/** Beyond this part of the slots, looking for a free one takes too long. */
const LOAD_MAX = 0.8;

/**
 * The newest offset of each key, keys as 128-bit hashes in one table of typed arrays: 24 bytes a slot, as Kafka's
 * SkimpyOffsetMap. Two keys of one hash would be taken for one; with a secret hash key nobody can bring that about, and
 * by chance it happens among 10^9 keys with a probability below 10^-20.
 */
export class KeyMap {
  /** Keys that find room. */
  readonly countMax: number;
  #count = 0;
  readonly #hash: SipHash128;
  readonly #slots: number;
  readonly #words: Uint32Array;
  /** One more than the offset; 0 = the slot is free. */
  readonly #ends: Float64Array;

  /** Takes at most `bytesMax`, and no more than `keysMax` keys could need. */
  constructor(options: { bytesMax: number; keysMax: number; hashKey: SipKey }) {
    const wanted = Math.ceil(options.keysMax / LOAD_MAX) + 1;
    this.#slots = Math.max(2, Math.min(Math.floor(options.bytesMax / SLOT_BYTES), wanted));
    this.countMax = Math.floor(this.#slots * LOAD_MAX);
    this.#hash = new SipHash128(options.hashKey);
    this.#words = new Uint32Array(this.#slots * WORDS);
    this.#ends = new Float64Array(this.#slots);
  }

  get count(): number {
    return this.#count;
  }

  /** Notes that the key `bytes[from, to)` has a record at `offset`, which is above all noted before. */
  put(bytes: Uint8Array, range: { from: number; to: number }, offset: number): void {
    const slot = this.#find(bytes, range.from, range.to);
    if (this.#ends[slot] === 0) {
      assert(this.#count < this.countMax, "a key map is asked for room before a key is put");
      this.#count++;
      this.#words.set(this.#hash.words, slot * WORDS);
    }
    this.#ends[slot] = offset + 1;
  }

  /** The newest offset of a key; −1 when none was noted. */
  newestOf(bytes: Uint8Array, from: number, to: number): number {
    return this.#ends[this.#find(bytes, from, to)]! - 1;
  }

  /** The slot of a key, or the free one where it belongs. */
  #find(bytes: Uint8Array, from: number, to: number): number {
    this.#hash.hash(bytes, from, to);
    let slot = this.#hash.words[0]! % this.#slots;
    while (this.#ends[slot] !== 0 && !this.#isAt(slot)) slot = slot + 1 === this.#slots ? 0 : slot + 1;
    return slot;
  }

  #isAt(slot: number): boolean {
    const { words } = this.#hash;
    const at = slot * WORDS;
    for (let index = 0; index < WORDS; index++) if (this.#words[at + index] !== words[index]) return false;
    return true;
  }
}
