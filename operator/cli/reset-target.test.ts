import { describe, expect, test } from "@jest/globals";
import { resetTarget } from "./reset-target.ts";

const known = { beginning: 10n, end: 100n, committed: 40n, atTime: 70n };
const at = (text: string, of: Partial<typeof known> | { committed: null } = {}): bigint =>
  resetTarget(text).offset({ ...known, ...of });

describe("where a group's offsets are reset to", () => {
  test("is an end of the log, an offset, or so far from what is committed", () => {
    expect(at("beginning")).toBe(10n);
    expect(at("end")).toBe(100n);
    expect(at("55")).toBe(55n);
    expect(at("+7")).toBe(47n);
    expect(at("-7")).toBe(33n);
    expect(at("+7", { committed: null })).toBe(17n);
  });

  test("never lies outside the log", () => {
    expect(at("3")).toBe(10n);
    expect(at("300")).toBe(100n);
    expect(at("-70")).toBe(10n);
    expect(at("+70")).toBe(100n);
  });

  test("is a time, in milliseconds", () => {
    const target = resetTarget("2026-11-28T12:00:00.5Z");
    expect(target).toMatchObject({ kind: "time", timestampMs: 1_795_867_200_500n });
    expect(target.offset(known)).toBe(70n);
  });

  test.each(["1969-12-31T23:59:59.999Z", "1960-01-01"])("of before 1970 is 1970, as %s", (text) => {
    expect(resetTarget(text)).toMatchObject({ kind: "time", timestampMs: 0n });
  });

  test.each(["", "now", "1e3", "2026-11", "2026-13-01", "--5", "9".repeat(19)])("is refused as %j", (text) => {
    expect(() => resetTarget(text)).toThrow(`--to ${text}: it must be beginning, end, an offset`);
  });
});
