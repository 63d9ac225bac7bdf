import { describe, expect, test } from "@jest/globals";
import { type LeaderEpoch, offset } from "../base/ids.ts";
import { LeaderEpochCache } from "./leader-epoch-cache.ts";

const cacheOf = (...entries: [number, number][]): LeaderEpochCache => {
  const cache = new LeaderEpochCache();
  for (const [epoch, start] of entries) cache.assign(epoch as LeaderEpoch, offset(start));
  return cache;
};
const bounds = { logStart: offset(5), logEnd: offset(100) };
const endOf = (cache: LeaderEpochCache, epoch: number): [number, number] => {
  const end = cache.endOffsetFor(epoch as LeaderEpoch, bounds);
  return [end.epoch, end.endOffset];
};

describe("the end of an epoch", () => {
  const cache = cacheOf([2, 10], [4, 20], [7, 50]);

  test("the latest ends at the log's end", () => expect(endOf(cache, 7)).toEqual([7, 100]));
  test("one between ends where the next begins", () => expect(endOf(cache, 4)).toEqual([4, 50]));
  test("one that never was is answered by the greatest below it", () => expect(endOf(cache, 6)).toEqual([4, 50]));
  test("one older than all ends where the first begins", () => expect(endOf(cache, 1)).toEqual([1, 10]));
  test("one newer than all, and none, are unknown", () => {
    expect(endOf(cache, 8)).toEqual([-1, -1]);
    expect(endOf(cache, -1)).toEqual([-1, -1]);
  });
  test("it is never below the log start", () => expect(endOf(cacheOf([1, 0], [2, 3]), 1)).toEqual([1, 5]));
});

test("an epoch without records gives way to the next that begins there", () => {
  const cache = cacheOf([1, 0], [2, 10], [3, 10]);
  expect(cache.startOf(2 as LeaderEpoch)).toBeNull();
  expect(cache.startOf(3 as LeaderEpoch)).toBe(10);
  expect(cache.epochAt(offset(9))).toBe(1);
});

test("an older or equal epoch changes nothing", () => {
  const cache = cacheOf([3, 10]);
  expect(cache.assign(3 as LeaderEpoch, offset(20))).toBe(false);
  expect(cache.assign(2 as LeaderEpoch, offset(20))).toBe(false);
  expect(cache.size).toBe(1);
});

test("truncation from the end forgets epochs at and above, from the start those that ended", () => {
  const cache = cacheOf([1, 0], [2, 10], [3, 20]);
  cache.truncateFromEnd(offset(20));
  expect(cache.latest).toBe(2);
  cache.truncateFromStart(offset(15));
  expect([cache.size, cache.epochAt(offset(15))]).toEqual([1, 2]);
});

test("the checkpoint is Kafka's format and comes back; anything else is refused", () => {
  const cache = cacheOf([0, 0], [5, 1234]);
  expect(new TextDecoder().decode(cache.encode())).toBe("0\n2\n0 0\n5 1234\n");
  expect(LeaderEpochCache.decode(cache.encode())?.encode()).toEqual(cache.encode());
  for (const text of ["", "1\n0\n", "0\n2\n0 0\n", "0\n1\nx y\n", "0\n2\n5 0\n4 9\n", "0\n2\n1 9\n2 3\n"]) {
    expect(LeaderEpochCache.decode(new TextEncoder().encode(text))).toBeNull();
  }
});
