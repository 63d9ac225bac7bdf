import { expect, test } from "@jest/globals";
import { isRetriableCode, kafkaErrorName, kafkaErrors } from "./error-codes.ts";

test("codes run from -1 to 133 without a gap, each with one name", () => {
  const codes = Object.values(kafkaErrors).sort((left, right) => left - right);
  expect(codes).toEqual(Array.from({ length: 135 }, (_, index) => index - 1));
});

test("a client retries after a leader has moved, not after an unknown member", () => {
  expect(isRetriableCode(kafkaErrors.NOT_LEADER_OR_FOLLOWER)).toBe(true);
  expect(isRetriableCode(kafkaErrors.NOT_ENOUGH_REPLICAS_AFTER_APPEND)).toBe(true);
  expect(isRetriableCode(kafkaErrors.UNKNOWN_MEMBER_ID)).toBe(false);
  expect(isRetriableCode(kafkaErrors.NONE)).toBe(false);
});

test("a code has a name for people, also one that does not exist", () => {
  expect(kafkaErrorName(19)).toBe("NOT_ENOUGH_REPLICAS");
  expect(kafkaErrorName(999)).toBe("error 999");
});
