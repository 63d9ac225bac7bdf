import { describe, expect, test } from "@jest/globals";
import { isMalformed } from "./malformed.ts";
import { Reader } from "./reader.ts";
import { uvarintBytes, Writer } from "./writer.ts";

const written = (write: (writer: Writer) => void): Buffer => {
  const writer = new Writer(1);
  write(writer);
  return Buffer.concat(writer.chunks());
};

const hex = (text: string): Reader => new Reader(Buffer.from(text, "hex"));

/** Whether reading throws MalformedError; anything else thrown comes through. */
function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (error) {
    if (isMalformed(error)) return true;
    throw error;
  }
}

describe("int64", () => {
  test.each([
    [0, "0000000000000000"],
    [-1, "ffffffffffffffff"],
    [4_294_967_296, "0000000100000000"],
    [-4_294_967_297, "fffffffeffffffff"],
    [9_007_199_254_740_990, "001ffffffffffffe"],
  ])("%d is eight bytes, most significant first", (value, bytes) => {
    expect(written((writer) => writer.int64(value)).toString("hex")).toBe(bytes);
    expect(hex(bytes).int64()).toBe(value);
  });

  test("beyond 2^53 it saturates, and the ends are written as int64's own ends", () => {
    expect(hex("7fffffffffffffff").int64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(hex("8000000000000000").int64()).toBe(Number.MIN_SAFE_INTEGER);
    expect(hex("0020000000000001").int64()).toBe(Number.MAX_SAFE_INTEGER);
    expect(written((writer) => writer.int64(Number.MAX_SAFE_INTEGER)).toString("hex")).toBe("7fffffffffffffff");
    expect(written((writer) => writer.int64(Number.MIN_SAFE_INTEGER)).toString("hex")).toBe("8000000000000000");
  });

  test("a number that is no safe integer is never written", () => {
    expect(() => written((writer) => writer.int64(0.5))).toThrow("safe integer");
    expect(() => written((writer) => writer.int64(2 ** 53))).toThrow("safe integer");
  });
});

describe("varints", () => {
  test.each([
    [0, "00"],
    [127, "7f"],
    [128, "8001"],
    [300, "ac02"],
    [4_294_967_295, "ffffffff0f"],
  ])("%d unsigned takes as few bytes as it can", (value, bytes) => {
    expect(written((writer) => writer.uvarint(value)).toString("hex")).toBe(bytes);
    expect(uvarintBytes(value)).toBe(bytes.length / 2);
    expect(hex(bytes).uvarint()).toBe(value);
  });

  test.each([0, -1, 1, -64, 64, 2_147_483_647, -2_147_483_648])("%d signed is read back", (value) => {
    expect(new Reader(written((writer) => writer.varint(value))).varint()).toBe(value);
  });

  test.each([0, -1, 1, -64, 2_147_483_648, -4_294_967_297, 1_795_000_000_000, Number.MAX_SAFE_INTEGER - 1])(
    "%d as a long is read back",
    (value) => {
      expect(new Reader(written((writer) => writer.varlong(value))).varlong()).toBe(value);
    },
  );

  test("the ends of a 64-bit varint saturate", () => {
    expect(hex("feffffffffffffffff01").varlong()).toBe(Number.MAX_SAFE_INTEGER);
    expect(hex("ffffffffffffffffff01").varlong()).toBe(Number.MIN_SAFE_INTEGER);
  });

  test("one that is too long, too large or cut off is refused", () => {
    expect(isRefused(() => hex("808080808000").uvarint())).toBe(true);
    expect(isRefused(() => hex("ffffffff1f").uvarint())).toBe(true);
    expect(isRefused(() => hex("ffff").uvarint())).toBe(true);
    expect(isRefused(() => hex("ffffffffffffffffff02").varlong())).toBe(true);
    expect(isRefused(() => hex("8080808080808080808000").varlong())).toBe(true);
  });
});

describe("strings", () => {
  test.each(["", "topic", "Überall ✓ 🙂", "a".repeat(126), "a".repeat(127), "x".repeat(20_000), "é".repeat(12)])(
    "%j is read back in all four forms",
    (value) => {
      const bytes = written((writer) => {
        writer.string(value);
        writer.nullableString(value);
        writer.compactString(value);
        writer.compactNullableString(value);
      });
      const reader = new Reader(bytes);
      expect([reader.string(), reader.nullableString()]).toEqual([value, value]);
      expect([reader.compactString(), reader.compactNullableString()]).toEqual([value, value]);
      expect(reader.remaining).toBe(0);
    },
  );

  test("null is -1, or 0 in the compact form, and refused where none is allowed", () => {
    expect(hex("ffff").nullableString()).toBeNull();
    expect(hex("00").compactNullableString()).toBeNull();
    expect(isRefused(() => hex("ffff").string())).toBe(true);
    expect(isRefused(() => hex("00").compactString())).toBe(true);
  });

  test("a length that is negative, beyond 32,767 or beyond the bytes is refused", () => {
    expect(isRefused(() => hex("fffe").nullableString())).toBe(true);
    expect(
      isRefused(() => new Reader(Buffer.concat([Buffer.from("81800a", "hex"), Buffer.alloc(200_000)])).compactString()),
    ).toBe(true);
    expect(isRefused(() => hex("000561").string())).toBe(true);
  });
});

describe("arrays", () => {
  test("a count that the bytes left cannot hold is refused before anything is made for it", () => {
    expect(isRefused(() => hex("7fffffff0000").count(1))).toBe(true);
    expect(isRefused(() => hex("0000000300000000").count(4))).toBe(true);
    expect(hex("0000000100000000").count(4)).toBe(1);
  });

  test("null is -1, other negative counts are refused", () => {
    expect(hex("ffffffff").nullableCount(1)).toBe(-1);
    expect(hex("00").compactNullableCount(1)).toBe(-1);
    expect(isRefused(() => hex("ffffffff").count(1))).toBe(true);
    expect(isRefused(() => hex("fffffffe").nullableCount(1))).toBe(true);
  });

  test("all arrays of one message together hold at most a million elements", () => {
    const reader = new Reader(Buffer.concat([Buffer.from("000927c0000927c0", "hex"), Buffer.alloc(700_000)]));
    expect(reader.count(1)).toBe(600_000);
    expect(isRefused(() => reader.count(1))).toBe(true);
  });
});

test("a UUID is read as 32 hexadecimal digits and written back", () => {
  const digits = "00112233445566778899aabbccddeeff";
  expect(hex(digits).uuid()).toBe(digits);
  expect(written((writer) => writer.uuid(digits)).toString("hex")).toBe(digits);
  expect(() => written((writer) => writer.uuid("x".repeat(32)))).toThrow("hexadecimal");
});

test("byte strings are views on what was read", () => {
  const bytes = Buffer.from("00000003010203", "hex");
  const view = new Reader(bytes).bytesView();
  bytes[4] = 9;
  expect([...view]).toEqual([9, 2, 3]);
});

test("long byte strings are handed on as they are, short ones are copied", () => {
  const long = Buffer.alloc(1_024, 1);
  const short = Buffer.alloc(1_023, 2);
  const writer = new Writer();
  writer.compactNullableBytesView(long);
  writer.bytesView(short);
  writer.nullableBytesView(long);
  const chunks = writer.chunks();
  expect(chunks.filter((chunk) => chunk === long)).toHaveLength(2);
  expect(writer.sizeBytes).toBe(2 + 1_024 + 4 + 1_023 + 4 + 1_024);
  const reader = new Reader(Buffer.concat(chunks));
  expect(reader.compactNullableBytesView()?.length).toBe(1_024);
  expect(reader.bytesView().length).toBe(1_023);
  expect(reader.nullableBytesView()?.length).toBe(1_024);
  expect(reader.remaining).toBe(0);
});

test("a byte string in several pieces reads back as one", () => {
  const pieces = [Buffer.alloc(2_000, 1), Buffer.alloc(10, 2), Buffer.alloc(2_000, 3)];
  const writer = new Writer();
  writer.compactBytesView(pieces);
  writer.int8(9);
  const reader = new Reader(Buffer.concat(writer.chunks()));
  expect(Buffer.concat(pieces).equals(reader.compactBytesView())).toBe(true);
  expect([reader.int8(), reader.remaining]).toEqual([9, 0]);
});
