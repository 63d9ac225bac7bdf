import type { TopicId } from "../base/ids.ts";
import { byteToHex } from "./hexadecimal.ts";
import { MalformedError } from "./malformed.ts";

/** Most elements that all arrays of one message may hold together: a small frame must not become a huge heap. */
const MAX_ELEMENTS = 1_000_000;
const TWO_32 = 4_294_967_296;
const MAX_STRING_BYTES = 32_767;
/** Below this length decoding ASCII by hand beats the call into the runtime. */
const SHORT_STRING_BYTES = 24;

/**
 * Reads the protocol's primitives from `bytes[at, end)`. Every read is checked against `end`; whatever does not fit
 * throws MalformedError and nothing else. Byte strings are views on `bytes`, never copies.
 * Source: Kafka protocol guide, "Protocol Primitive Types"; KIP-482 for the compact forms.
 */
export class Reader {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;
  private elementsLeft = MAX_ELEMENTS;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.at = at;
    this.end = end;
  }

  /** Bytes not read yet. */
  get remaining(): number {
    return this.end - this.at;
  }

  int8(): number {
    return (this.uint8() << 24) >> 24;
  }

  uint8(): number {
    if (this.at >= this.end) this.truncated(1);
    return this.bytes[this.at++]!;
  }

  boolean(): boolean {
    return this.uint8() !== 0;
  }

  int16(): number {
    return (this.uint16() << 16) >> 16;
  }

  uint16(): number {
    const { at, bytes } = this;
    if (at + 2 > this.end) this.truncated(2);
    this.at = at + 2;
    return (bytes[at]! << 8) | bytes[at + 1]!;
  }

  int32(): number {
    const { at, bytes } = this;
    if (at + 4 > this.end) this.truncated(4);
    this.at = at + 4;
    return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /**
   * A signed 64-bit integer as a number. Values beyond ±(2^53−1) saturate: an offset that large lies beyond the end
   * of any log, so the answer it deserves follows by itself. The writer turns both ends into int64's own ends.
   */
  int64(): number {
    const high = this.int32();
    const value = high * TWO_32 + (this.int32() >>> 0);
    if (value > Number.MAX_SAFE_INTEGER) return Number.MAX_SAFE_INTEGER;
    return value < Number.MIN_SAFE_INTEGER ? Number.MIN_SAFE_INTEGER : value;
  }

  float64(): number {
    if (this.at + 8 > this.end) this.truncated(8);
    this.at += 8;
    return this.bytes.readDoubleBE(this.at - 8);
  }

  /** 16 bytes as 32 lower-case hexadecimal digits. */
  uuid(): TopicId {
    const { at, bytes } = this;
    if (at + 16 > this.end) this.truncated(16);
    this.at = at + 16;
    let text = "";
    for (let i = at; i < at + 16; i++) text += byteToHex[bytes[i]!];
    return text as TopicId;
  }

  /** An unsigned LEB128 integer of at most 32 bits; a sixth byte or bits beyond the 32nd are refused. */
  uvarint(): number {
    const { bytes, end } = this;
    let at = this.at;
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (at >= end) this.truncated(1);
      const byte = bytes[at++]!;
      if (shift === 28 && byte > 15) break;
      value |= (byte & 127) << shift;
      if (byte < 128) {
        this.at = at;
        return value >>> 0;
      }
    }
    throw new MalformedError("varint of more than 32 bits");
  }

  /** A zigzag-coded signed varint of at most 32 bits. */
  varint(): number {
    const value = this.uvarint();
    return (value >>> 1) ^ -(value & 1);
  }

  /** A zigzag-coded signed varint of at most 64 bits, saturating like {@link int64}. */
  varlong(): number {
    const { bytes, end } = this;
    let at = this.at;
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (at >= end) this.truncated(1);
      const byte = bytes[at++]!;
      if (shift === 63 && byte > 1) break;
      const bits = byte & 127;
      if (shift < 28) low |= bits << shift;
      else if (shift === 28) {
        low |= (bits & 15) << 28;
        high = bits >>> 4;
      } else high |= bits << (shift - 32);
      if (byte < 128) {
        this.at = at;
        return unzigzag(low >>> 0, high >>> 0);
      }
    }
    throw new MalformedError("varlong of more than 64 bits");
  }

  string(): string {
    return this.text(this.notNull(this.int16()));
  }

  nullableString(): string | null {
    const length = this.int16();
    return length === -1 ? null : this.text(length);
  }

  compactString(): string {
    return this.text(this.notNull(this.uvarint() - 1));
  }

  compactNullableString(): string | null {
    const length = this.uvarint() - 1;
    return length === -1 ? null : this.text(length);
  }

  bytesView(): Uint8Array {
    return this.view(this.notNull(this.int32()));
  }

  nullableBytesView(): Uint8Array | null {
    const length = this.int32();
    return length === -1 ? null : this.view(length);
  }

  compactBytesView(): Uint8Array {
    return this.view(this.notNull(this.uvarint() - 1));
  }

  compactNullableBytesView(): Uint8Array | null {
    const length = this.uvarint() - 1;
    return length === -1 ? null : this.view(length);
  }

  /** Element count of an array whose elements take at least `leastBytes` each; -1 for null. */
  nullableCount(leastBytes: number): number {
    return this.checkedCount(this.int32(), leastBytes);
  }

  count(leastBytes: number): number {
    return this.checkedCount(this.notNull(this.int32()), leastBytes);
  }

  compactNullableCount(leastBytes: number): number {
    return this.checkedCount(this.uvarint() - 1, leastBytes);
  }

  compactCount(leastBytes: number): number {
    return this.checkedCount(this.notNull(this.uvarint() - 1), leastBytes);
  }

  /** Reads a nullable struct's presence byte: -1 is null, 1 is present. */
  isPresent(): boolean {
    const marker = this.int8();
    if (marker !== 1 && marker !== -1) throw new MalformedError(`presence marker ${marker}, neither 1 nor -1`);
    return marker === 1;
  }

  /** Reads a tagged field's size and returns the position where the field must end. */
  tagEnd(): number {
    const size = this.uvarint();
    if (size > this.end - this.at) this.truncated(size);
    return this.at + size;
  }

  /** States that a known tagged field took exactly the bytes it announced. */
  closeTag(end: number): void {
    if (this.at !== end) throw new MalformedError(`tagged field ends at byte ${this.at}, announced was ${end}`);
  }

  /** Skips a struct's tagged fields when none of them is known. */
  skipTags(): void {
    for (let left = this.uvarint(); left > 0; left--) {
      this.uvarint();
      this.at = this.tagEnd();
    }
  }

  private text(length: number): string {
    const { at, bytes } = this;
    if (length < 0 || length > MAX_STRING_BYTES) throw new MalformedError(`string of length ${length}`);
    if (length > this.end - at) this.truncated(length);
    this.at = at + length;
    if (length > SHORT_STRING_BYTES) return bytes.toString("utf8", at, at + length);
    let value = "";
    for (let i = at; i < at + length; i++) {
      const code = bytes[i]!;
      if (code > 127) return bytes.toString("utf8", at, at + length);
      value += String.fromCharCode(code);
    }
    return value;
  }

  private view(length: number): Uint8Array {
    if (length < 0) throw new MalformedError(`byte string of length ${length}`);
    if (length > this.end - this.at) this.truncated(length);
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  private notNull(length: number): number {
    if (length === -1) throw new MalformedError("null where the protocol allows none");
    return length;
  }

  private checkedCount(count: number, leastBytes: number): number {
    if (count === -1) return count;
    if (count < -1) throw new MalformedError(`array of ${count} elements`);
    if (count * leastBytes > this.end - this.at) this.truncated(count * leastBytes);
    this.elementsLeft -= count;
    if (this.elementsLeft < 0) throw new MalformedError(`more than ${MAX_ELEMENTS} array elements in one message`);
    return count;
  }

  private truncated(needed: number): never {
    throw new MalformedError(`${needed} bytes needed at byte ${this.at}, ${this.end - this.at} left`);
  }
}

function unzigzag(low: number, high: number): number {
  const magnitude = (high >>> 1) * TWO_32 + ((((high & 1) << 31) | (low >>> 1)) >>> 0);
  if (magnitude >= Number.MAX_SAFE_INTEGER) {
    return (low & 1) === 1 ? Number.MIN_SAFE_INTEGER : Number.MAX_SAFE_INTEGER;
  }
  return (low & 1) === 1 ? -magnitude - 1 : magnitude;
}
