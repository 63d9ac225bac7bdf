import { expect, test } from "@jest/globals";
import { firstErrorIn } from "./first-error.ts";

test("an error is found where responses have it: at the top, at a topic, at a partition", () => {
  expect(firstErrorIn({ errorCode: 35 })).toBe(35);
  expect(firstErrorIn({ errorCode: 0, topics: [{ errorCode: 0 }, { errorCode: 3 }] })).toBe(3);
  const partitions = [
    { index: 0, errorCode: 0 },
    { index: 1, errorCode: 6 },
  ];
  expect(firstErrorIn({ responses: [{ name: "a", partitions }] })).toBe(6);
});

test("an answer without one, with nothing, or with records says none", () => {
  expect(firstErrorIn(null)).toBe(0);
  expect(firstErrorIn({ brokers: [{ nodeId: 1 }], topics: [] })).toBe(0);
  const records = [new Uint8Array(1_000_000)];
  expect(firstErrorIn({ responses: [{ partitions: [{ errorCode: 0, records }] }] })).toBe(0);
});
