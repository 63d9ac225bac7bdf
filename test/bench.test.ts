import { describe, expect, test } from "@jest/globals";
import { isReached, type Row, ratioOf, tableOf } from "../bench/report.ts";
import { isClose, summarise } from "../bench/statistics.ts";

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
