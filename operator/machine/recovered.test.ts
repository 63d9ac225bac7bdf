import { expect, test } from "@jest/globals";
import { brokerId, controllerEpoch, type TopicId } from "#base/ids.ts";
import type { MetadataRows, PartitionRow } from "#contract/rows.ts";
import { apply } from "./apply.ts";
import { recoveredChanges } from "./recovered.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, type State, stateOf } from "./state.ts";
import { ids, rowWith } from "./testing/rows.ts";

const id = (n: number): TopicId => String(n).padStart(32, "0") as TopicId;
const topic = (n: number, name: string) => ({ topicId: id(n), name, config: {}, partitionCount: 1 });
const row = (n: number, different: Partial<PartitionRow> = {}): PartitionRow => ({
  ...rowWith({ replicas: ids(1, 2), isr: ids(1, 2) }),
  topicId: id(n),
  ...different,
});

const stored: State = stateOf(
  {
    ...EMPTY_STORED_STATE,
    clusterId: "c1",
    topics: [topic(1, "kept"), topic(2, "deleted since"), topic(3, "made anew")],
    partitions: [row(1), row(2), row(3)],
    brokerConfigs: [{ broker: "3", config: { "log.retention.ms": "1" } }],
  },
  FIRST_VERSION,
  {},
);

const kept: MetadataRows = {
  brokers: [],
  topics: [topic(1, "kept"), topic(4, "made anew"), topic(5, "new")],
  partitions: [row(1, { replicas: ids(2, 3), leader: brokerId(3) }), row(4), row(5)],
  deletions: [{ topicId: id(3), name: "made anew", waitingFor: ids(1) }],
  brokerConfigs: [],
};

test("the newest metadata that a broker kept replaces what an older store says", () => {
  const epoch = controllerEpoch(1002);
  const version = { controllerEpoch: epoch, sequence: 0 };
  const state = apply(stored, recoveredChanges(stored, { kept, epoch }), version);
  expect(Object.fromEntries(state.topicIds)).toEqual({ kept: id(1), "made anew": id(4), new: id(5) });
  expect([...state.partitions.keys()].sort()).toEqual([id(1), id(4), id(5)]);
  expect(state.partitions.get(id(1))?.[0]).toMatchObject({ replicas: [2, 3], leader: -1, isr: [], lost: [2, 3] });
  expect([...state.deletions.values()]).toEqual(kept.deletions);
  expect(state.brokerConfigs.get("3")).toEqual({});
});

test("without it the store's own rows go on beyond every epoch", () => {
  const epoch = controllerEpoch(1002);
  const changes = recoveredChanges(stored, { kept: null, epoch });
  const state = apply(stored, changes, { controllerEpoch: epoch, sequence: 0 });
  expect(state.topics.size).toBe(3);
  expect(state.partitions.get(id(2))?.[0]).toMatchObject({ leader: -1, isr: [], lost: [1, 2] });
  expect(state.partitions.get(id(2))?.[0]?.leaderEpoch).toBeGreaterThanOrEqual(1_000_000);
});
