import { expect, test } from "@jest/globals";
import { momentOf, timestamp } from "./timestamp.ts";

test.each([
  [0, "1970-01-01T00:00:00Z"],
  [951_782_400_000, "2000-02-29T00:00:00Z"],
  [1_709_251_199_000, "2024-02-29T23:59:59Z"],
  [1_772_323_200_000, "2026-03-01T00:00:00Z"],
  [4_107_542_400_000, "2100-03-01T00:00:00Z"],
])("%d ms after 1970 is %s, and back", (epochMs, text) => {
  expect(timestamp(epochMs)).toBe(text);
  expect(momentOf(text)).toBe(epochMs);
});

test("what is no time is none", () => {
  expect([momentOf(undefined), momentOf(""), momentOf("yesterday")]).toEqual([null, null, null]);
});
