import { expect, test } from "@jest/globals";
import type { PartitionRow } from "#contract/rows.ts";
import { apply } from "./apply.ts";
import { type BrokerRecord, EMPTY_STORED_STATE, FIRST_VERSION, partitionOf, stateOf } from "./state.ts";
import { rowWith } from "./testing/rows.ts";
import { Scenario } from "./testing/scenario.ts";

test("what was stored before there was reassignment names nobody as removed, and no broker as drained", () => {
  const { removed: _removed, ...old } = rowWith();
  const scenario = new Scenario();
  scenario.run("register 1");
  const { isDraining: _isDraining, ...record } = [...scenario.state.brokers.values()][0]!;
  const [row, broker] = [old as PartitionRow, record as BrokerRecord];
  const stored = { ...EMPTY_STORED_STATE, partitions: [row], brokers: [broker] };
  const read = stateOf(stored, FIRST_VERSION, {});
  const journal = [
    { kind: "broker", broker },
    { kind: "partition", row },
  ] as const;
  for (const state of [read, apply(stateOf(EMPTY_STORED_STATE, FIRST_VERSION, {}), journal, FIRST_VERSION)]) {
    expect(partitionOf(state, row)?.removed).toEqual([]);
    expect(state.brokers.get(broker.id)?.isDraining).toBe(false);
  }
});
