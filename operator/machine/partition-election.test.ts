import { describe, expect, test } from "@jest/globals";
import { NO_BROKER } from "#base/ids.ts";
import { type Circumstances, elect, revised } from "./partition-election.ts";
import { leaderEpochAfterRestart } from "./restart-epoch.ts";
import { ids, rowWith } from "./testing/rows.ts";

const alive = (...numbers: number[]): Circumstances => ({
  isAlive: (broker) => ids(...numbers).includes(broker),
  isLeaving: () => false,
  isUncleanAllowed: false,
});

const membership = (isr: number[], elr: number[] = [], lost: number[] = []) => ({
  isr: ids(...isr),
  elr: ids(...elr),
  lost: ids(...lost),
});

describe("election", () => {
  test("a leader that is alive and in sync stays, in its epoch", () => {
    const row = elect(rowWith(), membership([1, 2]), alive(1, 2));
    expect(row).toMatchObject({ leader: 1, leaderEpoch: 5, partitionEpoch: 10, isr: ids(1, 2) });
  });

  test("nothing changes: the very same row", () => {
    const row = rowWith();
    expect(elect(row, row, alive(1, 2, 3))).toBe(row);
    expect(revised(row, { leader: row.leader })).toBe(row);
  });

  test("the first in assignment order that is alive and in sync leads, in the next epoch", () => {
    const row = elect(rowWith({ replicas: ids(3, 1, 2) }), membership([2, 3]), alive(2, 3));
    expect(row).toMatchObject({ leader: 3, leaderEpoch: 6, partitionEpoch: 10 });
  });

  test("whoever is shutting down leads only when nobody else can", () => {
    const leaving = { ...alive(2, 3), isLeaving: (broker: number) => broker === 2 };
    expect(elect(rowWith(), membership([2, 3]), leaving).leader).toBe(3);
    expect(elect(rowWith(), membership([2]), leaving).leader).toBe(2);
  });

  test("with an empty ISR an eligible one leads, alone in sync, and the others stay eligible", () => {
    const offline = rowWith({ leader: NO_BROKER, isr: [], elr: ids(2, 3) });
    const row = elect(offline, offline, alive(3));
    expect(row).toMatchObject({ leader: 3, leaderEpoch: 6, isr: ids(3), elr: ids(2) });
    expect(elect({ ...offline, minIsr: 1 }, offline, alive(3))).toMatchObject({ isr: ids(3), elr: [] });
  });

  test("with an ISR that has members the eligible ones are not asked", () => {
    const row = rowWith({ isr: ids(1), elr: ids(2) });
    expect(elect(row, membership([1], [2]), alive(2)).leader).toBe(NO_BROKER);
  });

  test("when nobody may lead the partition waits, and the old leader's epoch is over", () => {
    const row = elect(rowWith({ isr: ids(1) }), membership([], [1]), alive(2, 3));
    expect(row).toMatchObject({ leader: NO_BROKER, leaderEpoch: 6, isr: [], elr: ids(1) });
    expect(elect(row, row, alive(2, 3))).toBe(row);
  });

  test("an unclean election takes anybody who is alive, and forgets who was eligible", () => {
    const offline = rowWith({ leader: NO_BROKER, isr: [], elr: ids(1), lost: ids(2), synced: true });
    const row = elect(offline, offline, { ...alive(3), isUncleanAllowed: true });
    expect(row).toMatchObject({ leader: 3, leaderEpoch: 6, isr: ids(3), elr: [], lost: [], synced: false });
  });

  test("an unclean election is not held while an eligible one is alive", () => {
    const offline = rowWith({ leader: NO_BROKER, isr: [], elr: ids(3) });
    expect(elect(offline, offline, { ...alive(1, 3), isUncleanAllowed: true }).leader).toBe(3);
  });

  test("a process that replaces the leader's leads in a new epoch", () => {
    expect(leaderEpochAfterRestart(rowWith())).toBe(6);
  });
});
