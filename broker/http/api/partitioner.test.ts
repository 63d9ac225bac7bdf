import { expect, test } from "@jest/globals";
import { partitionerOf, partitionOfKey } from "./partitioner.ts";

const random = (...values: number[]) => ({ next: () => values.shift() ?? 0, id: () => "" });

test("a key's partition is the one that Java's clients choose, with or without a leader", () => {
  const keys = ["", "a", "abc", "foobar", "key-1", "Grüße, 世界", '"user-1"'];
  expect(keys.map((key) => partitionOfKey(Buffer.from(key), 7))).toEqual([2, 5, 4, 0, 5, 1, 0]);
  const { partitionOf } = partitionerOf(7, { withLeader: [3], random: random() });
  expect(partitionOf(Buffer.from("abc"))).toBe(4);
});

test("records without a key stick to one partition that has a leader, whichever chance takes", () => {
  const { partitionOf } = partitionerOf(7, { withLeader: [1, 4, 6], random: random(0.5, 0) });
  expect([partitionOf(null), partitionOf(Buffer.from("a")), partitionOf(null)]).toEqual([4, 5, 4]);
});

test("without any leader any partition is taken", () => {
  expect(partitionerOf(3, { withLeader: [], random: random(0.99) }).partitionOf(null)).toBe(2);
});
