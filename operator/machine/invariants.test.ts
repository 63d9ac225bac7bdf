import { describe, expect, test } from "@jest/globals";
import { brokerEpoch, brokerId, leaderEpoch, NO_BROKER, partitionEpoch } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { checkInvariants } from "./invariants.ts";
import { partitionOf, type State } from "./state.ts";
import { ids } from "./testing/rows.ts";
import { Scenario } from "./testing/scenario.ts";

function ledByOne(): { state: State; row: PartitionRow } {
  const scenario = new Scenario();
  for (const command of ["register 1", "register 2", "register 3", "create t on=1,2,3"]) scenario.run(command);
  const [[row]] = [...scenario.state.partitions.values()] as [[PartitionRow]];
  return { state: scenario.state, row: partitionOf(scenario.state, row)! };
}

/** The reason for which the next row is not committed; null when it is. */
function breakOf(changed: Partial<PartitionRow>): string | null {
  const { state, row } = ledByOne();
  const next = { ...row, partitionEpoch: partitionEpoch(row.partitionEpoch + 1), ...changed };
  try {
    checkInvariants(state, [{ kind: "partition", row: next }]);
    return null;
  } catch (error) {
    return Error.isError(error) ? error.message : String(error);
  }
}

describe("invariants before each commit", () => {
  test("a sound step passes", () => {
    expect(breakOf({ isr: ids(1, 2) })).toBeNull();
    expect(breakOf({ leader: brokerId(2), leaderEpoch: leaderEpoch(1) })).toBeNull();
  });

  test.each<[string, Partial<PartitionRow>]>([
    ["the leader is in the ISR", { isr: ids(2, 3) }],
    ["the ISR is part of the replicas", { isr: ids(1, 4) }],
    ["nobody is in ISR and ELR", { elr: ids(2) }],
    ["nobody is eligible and lost", { lost: ids(2) }],
    ["another leader leads in another epoch", { leader: brokerId(2) }],
    ["another leader leads in another epoch", { leader: NO_BROKER, isr: [] }],
    ["the leader epoch never falls", { leaderEpoch: leaderEpoch(-1) }],
    ["each change is one partition epoch", { partitionEpoch: partitionEpoch(2) }],
    ["each change is one partition epoch", { partitionEpoch: partitionEpoch(0) }],
    ["minIsr is between 1 and the replicas", { minIsr: 0 }],
    ["minIsr is between 1 and the replicas", { minIsr: 4 }],
    ["those being added are part of the replicas", { adding: ids(4) }],
    ["those that leave are part of the replicas", { removing: ids(4) }],
    ["nobody is being added and leaves", { adding: ids(3), removing: ids(3) }],
    ["somebody stays", { removing: ids(1, 2, 3) }],
    ["who was removed is no replica", { removed: ids(3) }],
    ["whose data is to go is named", { replicas: ids(1, 2), isr: ids(1, 2), leaderEpoch: leaderEpoch(1) }],
    ["who goes ends the leader epoch", { replicas: ids(1, 2), isr: ids(1, 2), removed: ids(3) }],
    ["who is new is not in sync yet", { replicas: ids(1, 2, 3, 4), isr: ids(1, 2, 3, 4) }],
    [
      "the last who has everything does not go",
      {
        ...{ replicas: ids(2, 3), removed: ids(1), leader: NO_BROKER, leaderEpoch: leaderEpoch(1) },
        ...{ isr: [], elr: [], lost: ids(2, 3) },
      },
    ],
    ["has replicas, each once", { replicas: ids(1, 1), isr: ids(1), minIsr: 1 }],
  ])("%s", (what, changed) => {
    expect(breakOf(changed)).toContain(what);
  });

  test("a broker that still has a partition does not leave the cluster", () => {
    const { state } = ledByOne();
    expect(() => checkInvariants(state, [{ kind: "brokerRemoved", id: brokerId(1) }])).toThrow("nothing is left on it");
  });

  test("a broker may leave in the commit that took the last from it", () => {
    const { state, row } = ledByOne();
    const goes = { replicas: ids(1, 2), isr: ids(1, 2), removed: ids(3), leaderEpoch: leaderEpoch(1) };
    const moved = { ...row, ...goes, partitionEpoch: partitionEpoch(1) };
    const leaves = { kind: "brokerRemoved", id: brokerId(3) } as const;
    expect(() => checkInvariants(state, [{ kind: "partition", row: moved }, leaves])).not.toThrow();
    const deletion = { topicId: row.topicId, name: "t", waitingFor: ids(1, 2) };
    expect(() => checkInvariants(state, [{ kind: "topicDeleted", row: deletion }, leaves])).not.toThrow();
  });

  test("two steps of one commit are both counted", () => {
    const { state, row } = ledByOne();
    const first = { ...row, partitionEpoch: partitionEpoch(1), isr: ids(1, 2) };
    const second = { ...first, partitionEpoch: partitionEpoch(2), isr: ids(1) };
    expect(() =>
      checkInvariants(state, [
        { kind: "partition", row: first },
        { kind: "partition", row: second },
      ]),
    ).not.toThrow();
  });

  test("a new process without a new epoch, and ids handed out twice, are not committed", () => {
    const { state } = ledByOne();
    const known = state.brokers.get(brokerId(1))!;
    const twin = { ...known, incarnation: "other" as typeof known.incarnation };
    expect(() => checkInvariants(state, [{ kind: "broker", broker: twin }])).toThrow("another epoch");
    const older = { ...known, epoch: brokerEpoch(0) };
    expect(() => checkInvariants(state, [{ kind: "broker", broker: older }])).toThrow("never falls");
    expect(() => checkInvariants(state, [{ kind: "nextProducerId", value: 0 }])).toThrow("once");
  });
});
