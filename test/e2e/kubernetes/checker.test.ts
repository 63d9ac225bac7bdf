import { describe, expect, test } from "@jest/globals";
import { Checker, faultOf } from "./checker.ts";

/** Two partitions; three records of the first and two of the second were acknowledged. */
function verdictOf(...records: readonly (readonly [place: number, value: string])[]): string {
  const checker = new Checker([3, 2]);
  for (const [place, value] of records) checker.note(place, value);
  return faultOf(checker.verdict());
}

const whole = [
  [0, "0:0"],
  [0, "1:0"],
  [1, "0:1"],
  [2, "0:2"],
  [1, "1:1"],
] as const;

describe("the checker of a load", () => {
  test("finds nothing wrong with every record, once, in each partition's order", () => {
    expect(verdictOf(...whole)).toBe("");
  });

  test("allows one record more, whose ack never came", () => {
    expect(verdictOf(...whole, [3, "0:3"])).toBe("");
    expect(verdictOf(...whole, [3, "0:3"], [4, "0:4"])).toBe("1 changed");
  });

  test("finds a lost record, also the last", () => {
    expect(verdictOf(...whole.slice(0, -1))).toBe("1 lost");
    expect(verdictOf(...whole.slice(1))).toBe("1 lost");
    expect(verdictOf()).toBe("5 lost");
  });

  test("finds a record that is there twice", () => {
    expect(verdictOf(...whole, [1, "1:1"])).toBe("1 duplicated");
    expect(verdictOf(...whole, [0, "1:0"])).toBe("1 duplicated, 1 out of order");
  });

  test("finds two records whose order was changed", () => {
    expect(verdictOf([0, "0:0"], [2, "0:2"], [1, "0:1"], [0, "1:0"], [1, "1:1"])).toBe("1 out of order");
  });

  test("finds a record with another content, and one that nobody wrote", () => {
    expect(verdictOf(...whole, [7, "0:0"], [-1, "x"], [0, "5:0"])).toBe("3 changed");
  });
});
