import { expect, test } from "@jest/globals";
import { assignments } from "./assignments.ts";

test("key=value words: what follows the first equals sign is the value", () => {
  expect(assignments(["a=1", "b=x=y", "c="])).toEqual({ a: "1", b: "x=y", c: "" });
  expect(assignments([])).toEqual({});
});

test.each([
  [["a"], "a: it must be key=value"],
  [["=1"], "=1: it must be key=value"],
  [["a=1", "a=2"], "a is given twice"],
])("%j is refused", (words, says) => {
  expect(() => assignments(words)).toThrow(says);
});
