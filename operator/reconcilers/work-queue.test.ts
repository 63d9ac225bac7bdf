import { beforeEach, describe, expect, test } from "@jest/globals";
import { silent } from "#base/logging.ts";
import { FakeClock } from "../../broker/base/testing/fake-clock.ts";
import { type Reconciled, WorkQueue } from "./work-queue.ts";

const FINE: Reconciled = { requeueAfterMs: null, hasFailed: false };
let clock: FakeClock;
let looked: { key: string; atMs: number }[];
let results: string[];
let answer: (key: string) => Reconciled | Promise<Reconciled>;

beforeEach(() => {
  clock = new FakeClock();
  looked = [];
  results = [];
  answer = () => FINE;
});

function queueOf(options: { concurrency?: number; restMs?: number } = {}): WorkQueue {
  const startMs = clock.monotonic();
  const meter = { reconciled: (_: string, { result }: { result: string }) => void results.push(result) };
  return new WorkQueue(
    { clock, logger: silent, random: { next: () => 1, id: () => "" }, meter },
    {
      name: "thing",
      concurrency: options.concurrency ?? 1,
      restMs: options.restMs ?? 0,
      async reconcile(key) {
        looked.push({ key, atMs: clock.monotonic() - startMs });
        return answer(key);
      },
    },
  );
}

const times = (): number[] => looked.map(({ atMs }) => atMs);

describe("a work queue", () => {
  test("looks once at a key that was asked for many times", async () => {
    let open: (outcome: Reconciled) => void = () => {};
    answer = (key) => (key === "first" ? new Promise((resolve) => (open = resolve)) : FINE);
    const queue = queueOf();
    for (const key of ["first", "a", "a", "b", "a"]) queue.add(key);
    expect(queue.depth).toBe(2);
    open(FINE);
    await clock.advance(1);
    expect(looked.map(({ key }) => key)).toEqual(["first", "a", "b"]);
  });

  test("looks again at a key that changed while it was looked at, but not by two at a time", async () => {
    let open: (outcome: Reconciled) => void = () => {};
    answer = () => new Promise((resolve) => (open = resolve));
    const queue = queueOf({ concurrency: 2 });
    queue.add("a");
    queue.add("a");
    await clock.advance(1);
    expect(looked).toHaveLength(1);
    open(FINE);
    await clock.advance(1);
    expect(looked).toHaveLength(2);
  });

  test("tries again what failed, later each time, up to a minute, and forgets that once it went well", async () => {
    answer = () => ({ requeueAfterMs: null, hasFailed: true });
    const queue = queueOf();
    queue.add("a");
    await clock.advance(4000);
    expect(times()).toEqual([0, 250, 750, 1750, 3750]);
    await clock.advance(600_000);
    const gaps = times().map((atMs, index) => atMs - (times()[index - 1] ?? 0));
    expect(Math.max(...gaps)).toBe(60_000);
    answer = () => FINE;
    await clock.advance(60_000);
    answer = () => ({ requeueAfterMs: null, hasFailed: true });
    const before = looked.length;
    queue.add("a");
    await clock.advance(300);
    expect(looked.length - before).toBe(2);
  });

  test("takes a throw for a failure and goes on", async () => {
    answer = () => {
      throw new Error("a bug");
    };
    const queue = queueOf();
    queue.add("a");
    await clock.advance(300);
    expect(looked.length).toBeGreaterThan(1);
    expect(results[0]).toBe("error");
  });

  test("comes back when it was told to, the sooner of two moments", async () => {
    answer = () => ({ requeueAfterMs: 1000, hasFailed: false });
    const queue = queueOf();
    queue.add("a");
    await clock.advance(500);
    queue.addAfter("a", 100);
    await clock.advance(150);
    expect(times()).toEqual([0, 600]);
    expect(results).toEqual(["requeue_after", "requeue_after"]);
  });

  test("rests between two looks at one key, so that a flood of changes costs few", async () => {
    const queue = queueOf({ restMs: 200 });
    for (let step = 0; step < 100; step++) {
      queue.add("a");
      await clock.advance(10);
    }
    expect(looked.length).toBeLessThanOrEqual(6);
    expect(looked.length).toBeGreaterThanOrEqual(4);
  });

  test("begins nothing once it is stopped, and waits for what is under way", async () => {
    let open: (outcome: Reconciled) => void = () => {};
    answer = () => new Promise((resolve) => (open = resolve));
    const queue = queueOf();
    queue.add("a");
    queue.add("b");
    let isStopped = false;
    const stopped = queue.stop().then(() => (isStopped = true));
    await clock.advance(1);
    expect(isStopped).toBe(false);
    open({ requeueAfterMs: 1, hasFailed: false });
    await stopped;
    await clock.advance(100);
    expect(looked.map(({ key }) => key)).toEqual(["a"]);
  });
});
