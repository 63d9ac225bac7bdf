import { expect, test } from "@jest/globals";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { CopyBudget } from "./copy-budget.ts";

test("a frame is paid for by the time after it, at the rate that is in force then", async () => {
  const clock = new FakeClock();
  let rate = 1000;
  const budget = new CopyBudget(clock, () => rate);
  expect(budget.waitMs).toBe(0);
  budget.spend(300);
  expect(budget.waitMs).toBe(300);
  await clock.advance(100);
  expect(budget.waitMs).toBe(200);
  rate = 100_000;
  expect(budget.waitMs).toBe(2);
  await clock.advance(2);
  expect(budget.waitMs).toBe(0);
  // Time without copies is not saved up.
  await clock.advance(10_000);
  budget.spend(100_000);
  expect(budget.waitMs).toBe(500);
});

test("without a throttle nobody waits", () => {
  const budget = new CopyBudget(new FakeClock(), () => Number.MAX_SAFE_INTEGER);
  budget.spend(100_000_000);
  expect(budget.waitMs).toBe(0);
});
