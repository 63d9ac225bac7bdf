import { describe, expect, test } from "@jest/globals";
import { heartbeat } from "../broker/wire/apis/12-heartbeat.ts";
import { question } from "../bench/ask.ts";
import { figureNames } from "../bench/figures/all.ts";
import { ranges } from "../bench/group-member.ts";
import { isReached, type Row, ratioOf, tableOf } from "../bench/report.ts";
import { isClose, summarise } from "../bench/statistics.ts";
import { p99Of } from "../bench/steady-batches.ts";

const one = (value: number) => summarise([value]);
const row: Row = { figure: "f", unit: "ms", better: "less", tidemark: one(2), kafka: one(8), target: 0.25 };

describe("figures of several runs", () => {
  test("give their median and their spread", () => {
    expect(summarise([5, 1, 3])).toEqual({ median: 3, least: 1, greatest: 5, runs: 3 });
    expect(summarise([4, 1]).median).toBe(2.5);
    expect(() => summarise([])).toThrow("at least one run");
  });

  test("are close when they differ by less than the part of the larger", () => {
    expect(isClose({ first: 91, second: 100, part: 0.1 })).toBe(true);
    expect(isClose({ first: 90, second: 100, part: 0.1 })).toBe(false);
  });
});

describe("a row of the table", () => {
  test("compares the medians with the ratio to reach, in the direction that is better", () => {
    expect(ratioOf(row)).toBe(0.25);
    expect(isReached(row)).toBe(true);
    expect(isReached({ ...row, target: 0.2 })).toBe(false);
    expect(isReached({ ...row, better: "more", target: 0.2 })).toBe(true);
  });

  test("compares with a limit where there is no ratio to reach, also without Kafka", () => {
    const { target: _, ...rest } = row;
    expect(isReached({ ...rest, limit: 2, kafka: undefined })).toBe(true);
    expect(isReached({ ...rest, limit: 1 })).toBe(false);
    expect(isReached(rest)).toBeUndefined();
  });

  test("shows what is missing as missing", () => {
    expect(ratioOf({ ...row, kafka: undefined })).toBeUndefined();
    expect(tableOf([{ ...row, kafka: undefined }])).toContain("| f | 2.00 ms | – | – | ≤ 0.25 × |  |");
  });
});

test("each figure has a name of its own", () => {
  expect(figureNames.length).toBeGreaterThan(10);
  expect(new Set(figureNames).size).toBe(figureNames.length);
});

test("ranges give every partition to one member, the rest to the first", () => {
  expect(ranges(7, 3)).toEqual([
    { first: 0, count: 3 },
    { first: 3, count: 2 },
    { first: 5, count: 2 },
  ]);
  expect(ranges(1, 2)).toEqual([
    { first: 0, count: 1 },
    { first: 1, count: 0 },
  ]);
});

test("a latency belongs to the time in which its batch was due, its end left out", () => {
  const sent = Array.from({ length: 200 }, (_, index) => ({ dueMs: index, tookMs: index < 100 ? 1 : index }));
  expect(p99Of(sent, { fromMs: 0, untilMs: 100 })).toBe(1);
  expect(p99Of(sent, { fromMs: 100, untilMs: 200 })).toBe(199);
  expect(() => p99Of(sent, { fromMs: 200, untilMs: 300 })).toThrow("no batch was due");
});

test("a request with tagged fields is refused: the bench's connections have no such headers", () => {
  const body = { groupId: "g", generationId: 1, memberId: "m" };
  expect(question(heartbeat, 2, body).body).toHaveLength(10);
  expect(() => question(heartbeat, 4, body)).toThrow("Heartbeat v4 has tagged fields");
});
