import { describe, expect, test } from "@jest/globals";
import { FakeClock } from "../base/testing/fake-clock.ts";
import type { Offset } from "../base/ids.ts";
import { CommitWaiters } from "./commit-waiters.ts";
import { Deadlines } from "./deadlines.ts";

const at = (value: number): Offset => value as Offset;

describe("deadlines", () => {
  test("fall due in order, never early, late by little", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const startMs = clock.monotonic();
    const due: [number, number][] = [];
    for (const delayMs of [30_000, 7, 500, 0, 1500, 7]) {
      deadlines.after(delayMs, () => due.push([delayMs, clock.monotonic() - startMs]));
    }
    await clock.advance(31_000);
    expect(due.map(([delayMs]) => delayMs)).toEqual([0, 7, 7, 500, 1500, 30_000]);
    for (const [delayMs, tookMs] of due) {
      expect(tookMs).toBeGreaterThanOrEqual(delayMs);
      expect(tookMs - delayMs).toBeLessThanOrEqual(delayMs < 1000 ? 5 : delayMs < 10_000 ? 100 : 500);
    }
  });

  test("that are cancelled never fall due, also when a neighbour cancels them", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    const due: string[] = [];
    const second = { cancel: (): void => {} };
    deadlines.after(10, () => {
      due.push("first");
      second.cancel();
    });
    second.cancel = (({ cancel }) => cancel)(deadlines.after(10, () => due.push("second")));
    const third = deadlines.after(10, () => due.push("third"));
    deadlines.after(10, () => due.push("fourth"));
    third.cancel();
    third.cancel();
    await clock.advance(100);
    expect(due).toEqual(["first", "fourth"]);
  });

  test("set while others fall due are met, too", async () => {
    const clock = new FakeClock();
    const deadlines = new Deadlines(clock);
    let rounds = 0;
    const again = (): void => {
      rounds++;
      if (rounds < 5) deadlines.after(20, again);
    };
    deadlines.after(20, again);
    await clock.advance(200);
    expect(rounds).toBe(5);
    deadlines.stop();
    deadlines.after(1, again);
    await clock.advance(100);
    expect(rounds).toBe(5);
  });
});

describe("requests that wait for an offset", () => {
  const outcomes: string[] = [];
  const wait = (waiters: CommitWaiters, offset: number, timeoutMs = 1000) =>
    waiters.add(at(offset), { timeoutMs }, (code) => outcomes.push(`${offset}:${code}`));

  test("are answered when it is passed, in order, a repeated request among them", async () => {
    outcomes.length = 0;
    const waiters = new CommitWaiters(new Deadlines(new FakeClock()));
    for (const offset of [3, 5, 9, 4]) wait(waiters, offset);
    waiters.passed(at(3));
    expect(outcomes).toEqual([]);
    waiters.passed(at(6));
    expect(outcomes).toEqual(["3:0", "4:0", "5:0"]);
    waiters.fail(6);
    expect(outcomes).toEqual(["3:0", "4:0", "5:0", "9:6"]);
    expect(waiters.size).toBe(0);
  });

  test("time out one by one, and are answered only once", async () => {
    outcomes.length = 0;
    const clock = new FakeClock();
    const waiters = new CommitWaiters(new Deadlines(clock));
    wait(waiters, 1, 100);
    wait(waiters, 2, 5000);
    await clock.advance(200);
    expect(outcomes).toEqual(["1:7"]);
    waiters.passed(at(3));
    expect(outcomes).toEqual(["1:7", "2:0"]);
  });

  test("leave nothing behind, though the offset is never passed", async () => {
    const clock = new FakeClock();
    const waiters = new CommitWaiters(new Deadlines(clock));
    for (let offset = 0; offset < 1000; offset++) wait(waiters, offset, 100);
    expect(waiters.size).toBe(1000);
    await clock.advance(200);
    expect(waiters.size).toBe(0);
  });
});
