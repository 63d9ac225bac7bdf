import { expect, test } from "@jest/globals";
import { FakeClock } from "../base/testing/fake-clock.ts";
import { CompactionPace } from "./compaction-pace.ts";

test("a run is held to its bytes a second, counted from its beginning", async () => {
  const clock = new FakeClock();
  const pace = new CompactionPace(clock, 1000);
  let spent = 0;
  const spending = (async () => {
    for (; spent < 5; spent++) await pace.spend(500);
  })();
  await clock.advance(499);
  expect(spent).toBe(0);
  await clock.advance(1);
  expect(spent).toBe(1);
  await clock.advance(1500);
  expect(spent).toBe(4);
  await clock.advance(500);
  await spending;
});

test("without a bound nothing waits", async () => {
  const pace = new CompactionPace(new FakeClock(), Number.MAX_SAFE_INTEGER);
  await expect(pace.spend(2 ** 40)).resolves.toBeUndefined();
});

test("a run rests for as long as it has worked, and for a tenth of a second at most", async () => {
  const clock = new FakeClock();
  const pace = new CompactionPace(clock, Number.MAX_SAFE_INTEGER);
  const restAfter = async (workedMs: number): Promise<number> => {
    await clock.advance(workedMs);
    const restingSinceMs = clock.monotonic();
    let hasRested = false;
    const spending = pace.spend(1000).then(() => (hasRested = true));
    await clock.advance(0);
    while (!hasRested) await clock.advance(1);
    await spending;
    return clock.monotonic() - restingSinceMs;
  };
  expect(await restAfter(0.5)).toBe(0);
  expect(await restAfter(0.5)).toBe(1);
  expect(await restAfter(3)).toBe(3);
  expect(await restAfter(20)).toBe(20);
  expect(await restAfter(5000)).toBe(100);
});
