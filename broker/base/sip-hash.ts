/*
 * SipHash-2-4 of 128 bits: a keyed hash, so that nobody who does not know the key can make two inputs collide.
 * 64-bit words are pairs of 32-bit ones, since BigInt would cost a hundred times as much.
 * Source: Aumasson, Bernstein, "SipHash: a fast short-input PRF", and its reference implementation for 128 bits.
 */

/** Four 32-bit words. */
export type SipKey = readonly [number, number, number, number];

/** Hashes one input after the other; the result of the last one stands in `words`. */
export class SipHash128 {
  /** The hash, 128 bits, little-endian words. */
  readonly words = new Uint32Array(4);
  readonly #key: SipKey;
  /** v0 to v3, each as (low, high). */
  readonly #v = new Int32Array(8);

  constructor(key: SipKey) {
    this.#key = key;
  }

  /** Hashes `bytes[from, to)`. */
  hash(bytes: Uint8Array, from: number, to: number): void {
    const v = this.#v;
    this.#start();
    const length = to - from;
    const wholeEnd = to - (length % 8);
    for (let at = from; at < wholeEnd; at += 8) this.#compress(readInt32(bytes, at), readInt32(bytes, at + 4));
    let low = 0;
    let high = (length & 0xff) << 24;
    for (let at = wholeEnd; at < to; at++) {
      const shift = (at - wholeEnd) * 8;
      if (shift < 32) low |= bytes[at]! << shift;
      else high |= bytes[at]! << (shift - 32);
    }
    this.#compress(low, high);
    v[4] = v[4]! ^ 0xee;
    sipRounds(v, FINAL_ROUNDS);
    this.#output(0);
    v[2] = v[2]! ^ 0xdd;
    sipRounds(v, FINAL_ROUNDS);
    this.#output(2);
  }

  #start(): void {
    const v = this.#v;
    const [k0, k1, k2, k3] = this.#key;
    v[0] = 0x70736575 ^ k0;
    v[1] = 0x736f6d65 ^ k1;
    v[2] = 0x6e646f6d ^ k2 ^ 0xee;
    v[3] = 0x646f7261 ^ k3;
    v[4] = 0x6e657261 ^ k0;
    v[5] = 0x6c796765 ^ k1;
    v[6] = 0x79746573 ^ k2;
    v[7] = 0x74656462 ^ k3;
  }

  #compress(low: number, high: number): void {
    const v = this.#v;
    v[6] = v[6]! ^ low;
    v[7] = v[7]! ^ high;
    sipRounds(v, ROUNDS);
    v[0] = v[0]! ^ low;
    v[1] = v[1]! ^ high;
  }

  #output(at: number): void {
    const v = this.#v;
    this.words[at] = v[0]! ^ v[2]! ^ v[4]! ^ v[6]!;
    this.words[at + 1] = v[1]! ^ v[3]! ^ v[5]! ^ v[7]!;
  }
}

const ROUNDS = 2;
const FINAL_ROUNDS = 4;

/** 32-bit integers in local variables throughout, no sum of which needs more: the compiler keeps them in registers. */
function sipRounds(v: Int32Array, count: number): void {
  let [l0, h0, l1, h1] = [v[0]!, v[1]!, v[2]!, v[3]!];
  let [l2, h2, l3, h3] = [v[4]!, v[5]!, v[6]!, v[7]!];
  let low: number;
  for (let round = 0; round < count; round++) {
    // v0 += v1; v1 = rotl(v1, 13) ^ v0; v0 = rotl(v0, 32)
    l0 = (l0 + l1) | 0;
    h0 = (((h0 + h1) | 0) + carryOf(l0, l1)) | 0;
    low = ((l1 << 13) | (h1 >>> 19)) ^ l0;
    h1 = ((h1 << 13) | (l1 >>> 19)) ^ h0;
    l1 = low;
    low = l0;
    l0 = h0;
    h0 = low;
    // v2 += v3; v3 = rotl(v3, 16) ^ v2
    l2 = (l2 + l3) | 0;
    h2 = (((h2 + h3) | 0) + carryOf(l2, l3)) | 0;
    low = ((l3 << 16) | (h3 >>> 16)) ^ l2;
    h3 = ((h3 << 16) | (l3 >>> 16)) ^ h2;
    l3 = low;
    // v0 += v3; v3 = rotl(v3, 21) ^ v0
    l0 = (l0 + l3) | 0;
    h0 = (((h0 + h3) | 0) + carryOf(l0, l3)) | 0;
    low = ((l3 << 21) | (h3 >>> 11)) ^ l0;
    h3 = ((h3 << 21) | (l3 >>> 11)) ^ h0;
    l3 = low;
    // v2 += v1; v1 = rotl(v1, 17) ^ v2; v2 = rotl(v2, 32)
    l2 = (l2 + l1) | 0;
    h2 = (((h2 + h1) | 0) + carryOf(l2, l1)) | 0;
    low = ((l1 << 17) | (h1 >>> 15)) ^ l2;
    h1 = ((h1 << 17) | (l1 >>> 15)) ^ h2;
    l1 = low;
    low = l2;
    l2 = h2;
    h2 = low;
  }
  v[0] = l0;
  v[1] = h0;
  v[2] = l1;
  v[3] = h1;
  v[4] = l2;
  v[5] = h2;
  v[6] = l3;
  v[7] = h3;
}

/** Of the 32-bit sum that one addend made. */
const carryOf = (sum: number, addend: number): number => (sum >>> 0 < addend >>> 0 ? 1 : 0);

const readInt32 = (bytes: Uint8Array, at: number): number =>
  bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
