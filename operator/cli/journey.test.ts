import { expect, test } from "@jest/globals";
import { Journey } from "./journey.ts";
import type { Progressing } from "./reassign-admin.ts";

const moving = (partition: number, missingBytes: number | null, totalBytes: number | null = 1000): Progressing => ({
  topic: "t",
  partition,
  replicas: [1, 2],
  adding: [1],
  removing: [2],
  totalBytes,
  missingBytes,
});

test("moves go from what was missing at the first look to what is missing now", () => {
  const journey = new Journey([moving(0, 1000), moving(1, 1000)]);
  expect(journey.text(0)).toMatch(/^0 of 2 partitions \[ +\] +0 % {2}0 B of 2\.0 kB$/);
  journey.update([moving(0, 500), moving(1, 500)]);
  expect(journey.text(10)).toMatch(/^0 of 2 partitions \[#+ +\] +50 % {2}1\.0 kB of 2\.0 kB, 100 B\/s, 10 s left$/);
});

test("a partition that does not move any more is there", () => {
  const journey = new Journey([moving(0, 1000), moving(1, 400)]);
  journey.update([moving(0, 1000)]);
  expect(journey.text(0)).toMatch(/^1 of 2 partitions .* 50 % {2}1\.0 kB of 2\.0 kB$/);
  journey.update([]);
  expect(journey.text(10)).toMatch(/^2 of 2 partitions \[#+\] 100 % {2}2\.0 kB of 2\.0 kB, 140 B\/s$/);
});

test("what is written meanwhile is part of the way, and a size that is not known for once stays as it was", () => {
  const journey = new Journey([moving(0, 1000)]);
  journey.update([moving(0, 1200, 1500)]);
  expect(journey.text(0)).toContain("300 B of 1.5 kB");
  journey.update([moving(0, null, null)]);
  expect(journey.text(0)).toContain("300 B of 1.5 kB");
});

test("moves that copy nothing are counted by partitions", () => {
  const journey = new Journey([moving(0, 0, 0), moving(1, 0, 0)]);
  expect(journey.text(5)).toMatch(/^0 of 2 partitions .* 0 % /);
  journey.update([moving(1, 0, 0)]);
  expect(journey.text(5)).toMatch(/^1 of 2 partitions .* 50 % /);
});
