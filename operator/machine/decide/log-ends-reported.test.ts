import { expect, test } from "@jest/globals";
import type { BrokerEpoch, BrokerId, LeaderEpoch, Offset } from "#base/ids.ts";
import { rowWith } from "../testing/rows.ts";
import { greatestEnd } from "./log-ends-reported.ts";

const ids = (...brokers: number[]): BrokerId[] => brokers as BrokerId[];
const end = (broker: number, lastEpoch: number, logEnd: number) => ({
  broker: broker as BrokerId,
  brokerEpoch: 1 as BrokerEpoch,
  lastEpoch: lastEpoch as LeaderEpoch,
  logEnd: logEnd as Offset,
});

const elected = (lost: BrokerId[], ...ends: ReturnType<typeof end>[]): number | undefined =>
  greatestEnd(rowWith({ replicas: ids(1, 2, 3), isr: [], elr: [], lost }), ends)?.broker;

test("of members that lost power the greatest log leads: by epoch, then by its end, then by assignment", () => {
  expect(elected(ids(2, 3), end(2, 1, 20), end(3, 1, 15))).toBe(2);
  expect(elected(ids(2, 3), end(2, 1, 20), end(3, 2, 15))).toBe(3);
  expect(elected(ids(3, 2), end(2, 1, 20), end(3, 1, 20))).toBe(2);
});

// Broker 1 wrote in an epoch of its own what never was committed, and lacks what 2 and 3 committed afterwards.
test("one that was no member does not lead for its later epoch", () => {
  expect(elected(ids(2, 3), end(1, 2, 30), end(2, 1, 20), end(3, 1, 15))).toBe(2);
});

test("one that was no member leads where it has all that the members kept, and more", () => {
  expect(elected(ids(2, 3), end(1, 1, 30), end(2, 1, 20), end(3, 0, 25))).toBe(1);
});

test("without any member the greatest of what is left leads", () => {
  expect(elected([], end(1, 1, 10), end(2, 2, 5))).toBe(2);
  expect(elected(ids(3), end(1, 1, 10), end(2, 2, 5))).toBe(2);
  expect(elected(ids(3))).toBeUndefined();
});
