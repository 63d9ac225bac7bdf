import { assert } from "../base/assert.ts";
import { digitValue } from "./hexadecimal.ts";

const TWO_32 = 4_294_967_296;
const FIRST_CAPACITY_BYTES = 256;
const MAX_STRING_BYTES = 32_767;
/** Record views at least this long are handed on as they are; below it one copy is cheaper than one more chunk. */
const VIEW_BYTES_MIN = 1024;
/** Below this length encoding ASCII by hand beats the call into the runtime. */
const SHORT_STRING_BYTES = 24;

/** A byte string in one piece, or in several to be sent one after the other. */
export type BytesDraft = Uint8Array | readonly Uint8Array[];

function lengthOf(value: BytesDraft): number {
  if (value instanceof Uint8Array) return value.length;
  let length = 0;
  for (const part of value) length += part.length;
  return length;
}

interface Splice {
  /** Position in the writer's own bytes before which the view goes. */
  readonly at: number;
  readonly view: Uint8Array;
}

/**
 * Writes the protocol's primitives into one growing buffer. Long record views are not copied: {@link chunks} returns
 * the written bytes with the views between them.
 * Source: Kafka protocol guide, "Protocol Primitive Types"; KIP-482 for the compact forms.
 */
export class Writer {
  private bytes: Buffer;
  private at = 0;
  private splices: Splice[] | undefined;
  private splicedBytes = 0;

  constructor(capacityBytes: number = FIRST_CAPACITY_BYTES) {
    this.bytes = Buffer.allocUnsafe(capacityBytes);
  }

  /** Bytes written so far, spliced views included. */
  get sizeBytes(): number {
    return this.at + this.splicedBytes;
  }

  /** Everything written so far, in order. What is written afterwards is not in it. */
  chunks(): Uint8Array[] {
    if (this.splices === undefined) return [this.bytes.subarray(0, this.at)];
    const chunks: Uint8Array[] = [];
    let from = 0;
    for (const { at, view } of this.splices) {
      if (at > from) chunks.push(this.bytes.subarray(from, at));
      chunks.push(view);
      from = at;
    }
    if (this.at > from) chunks.push(this.bytes.subarray(from, this.at));
    return chunks;
  }

  int8(value: number): void {
    const at = this.claim(1);
    this.bytes[at] = value;
  }

  boolean(value: boolean): void {
    this.int8(value ? 1 : 0);
  }

  int16(value: number): void {
    const at = this.claim(2);
    this.bytes[at] = value >> 8;
    this.bytes[at + 1] = value;
  }

  uint16(value: number): void {
    this.int16(value);
  }

  int32(value: number): void {
    const at = this.claim(4);
    this.putInt32(at, value);
  }

  uint32(value: number): void {
    this.int32(value | 0);
  }

  /** Writes a whole number within ±(2^53−1); the two ends stand for int64's own ends, where reading saturates. */
  int64(value: number): void {
    const at = this.claim(8);
    assert(Number.isSafeInteger(value), "an int64 is written from a safe integer");
    if (value === Number.MAX_SAFE_INTEGER) this.putHalves(at, 0x7fffffff, -1);
    else if (value === Number.MIN_SAFE_INTEGER) this.putHalves(at, 0x80000000 | 0, 0);
    else this.putHalves(at, Math.floor(value / TWO_32), value | 0);
  }

  float64(value: number): void {
    const at = this.claim(8);
    this.bytes.writeDoubleBE(value, at);
  }

  /** Writes 32 lower-case hexadecimal digits as 16 bytes. */
  uuid(value: string): void {
    assert(value.length === 32, "a UUID has 32 hexadecimal digits");
    const at = this.claim(16);
    for (let i = 0; i < 16; i++) {
      const high = digitValue(value.charCodeAt(2 * i));
      const low = digitValue(value.charCodeAt(2 * i + 1));
      assert(high >= 0 && low >= 0, "a UUID has 32 hexadecimal digits");
      this.bytes[at + i] = (high << 4) | low;
    }
  }

  /** Writes an unsigned LEB128 integer, 0 … 2^32−1. */
  uvarint(value: number): void {
    let rest = value >>> 0;
    while (rest > 127) {
      this.int8((rest & 127) | 128);
      rest >>>= 7;
    }
    this.int8(rest);
  }

  /** Writes a signed 32-bit integer in zigzag form. */
  varint(value: number): void {
    this.uvarint((value << 1) ^ (value >> 31));
  }

  /** Writes a signed safe integer in zigzag form, up to ten bytes. */
  varlong(value: number): void {
    assert(Number.isSafeInteger(value), "a varlong is written from a safe integer");
    const magnitude = value < 0 ? -(value + 1) : value;
    let low = ((magnitude % TWO_32) << 1) | (value < 0 ? 1 : 0);
    let high = (Math.floor(magnitude / TWO_32) << 1) | ((magnitude % TWO_32) >>> 31);
    while (high !== 0 || low >>> 0 > 127) {
      this.int8((low & 127) | 128);
      low = (low >>> 7) | (high << 25);
      high >>>= 7;
    }
    this.int8(low);
  }

  string(value: string): void {
    const at = this.claim(2);
    const length = this.text(value);
    this.bytes[at] = length >> 8;
    this.bytes[at + 1] = length;
  }

  nullableString(value: string | null): void {
    if (value === null) this.int16(-1);
    else this.string(value);
  }

  compactString(value: string): void {
    const at = this.at;
    // One byte of length is right for nearly every string; a longer one moves up behind its real length.
    this.claim(1);
    const length = this.text(value);
    this.fillSize(at, length + 1);
  }

  compactNullableString(value: string | null): void {
    if (value === null) this.int8(0);
    else this.compactString(value);
  }

  bytesView(value: BytesDraft): void {
    this.int32(lengthOf(value));
    this.view(value);
  }

  nullableBytesView(value: BytesDraft | null): void {
    if (value === null) this.int32(-1);
    else this.bytesView(value);
  }

  compactBytesView(value: BytesDraft): void {
    this.uvarint(lengthOf(value) + 1);
    this.view(value);
  }

  compactNullableBytesView(value: BytesDraft | null): void {
    if (value === null) this.int8(0);
    else this.compactBytesView(value);
  }

  /** Starts a tagged field; its size is filled in by {@link closeTag}. */
  openTag(tag: number): number {
    this.uvarint(tag);
    return this.claim(1);
  }

  closeTag(opened: number): void {
    this.fillSize(opened, this.at - opened - 1);
  }

  /** Copies `value` into the buffer whatever its length. */
  raw(value: Uint8Array): void {
    const at = this.claim(value.length);
    this.bytes.set(value, at);
  }

  /** Overwrites the four bytes at `at`, written before, with `value`. */
  patchInt32(at: number, value: number): void {
    this.putInt32(at, value);
  }

  private view(value: BytesDraft): void {
    if (!(value instanceof Uint8Array)) {
      for (const part of value) this.view(part);
      return;
    }
    if (value.length < VIEW_BYTES_MIN) return this.raw(value);
    this.splices ??= [];
    this.splices.push({ at: this.at, view: value });
    this.splicedBytes += value.length;
  }

  /** Writes `value` as UTF-8 and returns its length in bytes. */
  private text(value: string): number {
    const isShort = value.length <= SHORT_STRING_BYTES;
    const at = this.at;
    this.claim(value.length * 3);
    let length = 0;
    if (isShort) {
      while (length < value.length) {
        const code = value.charCodeAt(length);
        if (code > 127) break;
        this.bytes[at + length++] = code;
      }
    }
    if (!isShort || length < value.length) length = this.bytes.write(value, at, "utf8");
    assert(length <= MAX_STRING_BYTES, "a string takes at most 32,767 bytes");
    this.at = at + length;
    return length;
  }

  /** Writes `size` as uvarint into the one byte claimed at `at`, moving what follows when it takes more. */
  private fillSize(at: number, size: number): void {
    if (size < 128) {
      this.bytes[at] = size;
      return;
    }
    const end = this.at;
    const extra = uvarintBytes(size) - 1;
    this.claim(extra);
    this.bytes.copyWithin(at + 1 + extra, at + 1, end);
    this.at = at;
    this.uvarint(size);
    this.at = end + extra;
  }

  private putInt32(at: number, value: number): void {
    const { bytes } = this;
    bytes[at] = value >> 24;
    bytes[at + 1] = value >> 16;
    bytes[at + 2] = value >> 8;
    bytes[at + 3] = value;
  }

  private putHalves(at: number, high: number, low: number): void {
    this.putInt32(at, high);
    this.putInt32(at + 4, low);
  }

  private claim(sizeBytes: number): number {
    const at = this.at;
    const needed = at + sizeBytes;
    if (needed > this.bytes.length) this.grow(needed);
    this.at = needed;
    return at;
  }

  private grow(needed: number): void {
    const larger = Buffer.allocUnsafe(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.at);
    this.bytes = larger;
  }
}

/** Bytes that `value` (0 … 2^32−1) takes as uvarint. */
export function uvarintBytes(value: number): number {
  let bytes = 1;
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes++;
  return bytes;
}
