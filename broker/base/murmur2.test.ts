import { expect, test } from "@jest/globals";
import { murmur2 } from "./murmur2.ts";

/** As kafka-clients 4.3.1 computes them. */
const known: readonly [string, number][] = [
  ["", 275_646_681],
  ["a", -1_563_381_124],
  ["ab", 316_155_434],
  ["abc", 479_470_107],
  ["abcd", -1_323_649_548],
  ["21", -973_932_308],
  ["foobar", -790_332_482],
  ["key-1", 193_331_640],
  ["a-little-bit-longer-string", -1_486_304_829],
  ["Grüße, 世界", 946_017_094],
  ['"user-1"', -2_072_683_762],
  ['{"id":7}', -1_038_564_011],
];

test.each(known)("the hash of %j is Java's", (text, hash) => {
  expect(murmur2(Buffer.from(text, "utf8"))).toBe(hash);
});

test("every byte counts as unsigned", () => {
  expect(murmur2(Uint8Array.from({ length: 256 }, (_, byte) => byte))).toBe(-1_948_347_274);
});
