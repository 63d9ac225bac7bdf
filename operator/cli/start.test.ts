import { describe, expect, test } from "@jest/globals";
import { offsetStart, startIn, timeStart } from "./start.ts";

const bounds = { beginning: 10n, end: 100n, atTime: 70n };
const NOW_MS = 1_800_000_000_000;

describe("where reading starts", () => {
  test.each([
    ["beginning", 10n],
    ["end", 100n],
    ["55", 55n],
    ["3", 10n],
    ["300", 300n],
    ["-20", 80n],
    ["-2000", 10n],
  ])("is at %s", (text, offset) => {
    expect(startIn(offsetStart(text, "--offset"), bounds)).toBe(offset);
  });

  test.each([
    ["2026-11-28T12:00:00.5Z", 1_795_867_200_500n],
    ["2026-11-28", 1_795_824_000_000n],
    ["1795867200500", 1_795_867_200_500n],
    ["-1h", 1_799_996_400_000n],
    ["-90s", 1_799_999_910_000n],
    ["-2d", 1_799_827_200_000n],
    ["-999999999d", 0n],
  ])("is at the time %s", (text, timestampMs) => {
    const start = timeStart(text, NOW_MS);
    expect(start).toEqual({ kind: "time", timestampMs });
    expect(startIn(start, bounds)).toBe(70n);
  });

  test.each(["", "now", "+5", "1e3", "--5", "9".repeat(19)])("is refused as offset %j", (text) => {
    expect(() => offsetStart(text, "--offset")).toThrow(
      `--offset ${text}: it must be beginning, end, an offset, or -N`,
    );
  });

  test.each(["", "yesterday", "-1", "-1w", "2026-13-01", "12:00"])("is refused as time %j", (text) => {
    expect(() => timeStart(text, NOW_MS)).toThrow(`--from-time ${text}: it must be a time as 2026-11-28T12:00:00Z`);
  });
});
