import { expect, test } from "@jest/globals";
import { VERIFIED_MS_MAX, VerifiedRange } from "./verified-range.ts";

test("what follows on what is known is known with it, and nothing around", () => {
  const range = new VerifiedRange();
  expect(range.holds(0, 0, 0)).toBe(false);
  range.extend(100, 200, 0);
  range.extend(200, 300, 1);
  range.extend(150, 250, 2);
  expect(range.holds(100, 300, 3)).toBe(true);
  expect([range.holds(99, 300, 3), range.holds(100, 301, 3)]).toEqual([false, false]);
});

test("elsewhere it begins anew", () => {
  const range = new VerifiedRange();
  range.extend(100, 200, 0);
  range.extend(201, 300, 0);
  expect([range.holds(100, 200, 0), range.holds(201, 300, 0)]).toEqual([false, true]);
  range.extend(0, 250, 0);
  expect([range.holds(0, 250, 0), range.holds(201, 300, 0)]).toEqual([true, false]);
});

test("it is due again after ten minutes, what was verified later a little later", () => {
  const range = new VerifiedRange();
  for (let minute = 0; minute < 15; minute++) range.extend(minute * 10, minute * 10 + 10, minute * 60_000);
  const nowMs = 15 * 60_000;
  expect([range.holds(50, 150, nowMs), range.holds(60, 150, nowMs)]).toEqual([false, true]);
  // Verified once more, but together with what is older: nothing is taken for younger than it is.
  range.extend(60, 150, nowMs);
  expect(range.holds(60, 70, nowMs + 60_000)).toBe(false);
  expect(range.holds(149, 150, 14 * 60_000 + VERIFIED_MS_MAX)).toBe(false);
});

test("what is cut off is unknown when other bytes stand there", () => {
  const range = new VerifiedRange();
  range.extend(0, 100, 0);
  range.extend(100, 200, 60_000);
  range.cutTo(50);
  expect([range.holds(0, 50, 60_000), range.holds(0, 51, 60_000)]).toEqual([true, false]);
  range.extend(120, 130, 60_000);
  expect([range.holds(0, 50, 60_000), range.holds(120, 130, 60_000)]).toEqual([false, true]);
  range.cutTo(0);
  expect(range.holds(0, 0, 60_000)).toBe(false);
});
