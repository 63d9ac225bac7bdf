import { type BrokerId, brokerId, leaderEpoch, partitionEpoch, partitionIndex, topicId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";

export const ids = (...numbers: number[]): BrokerId[] => numbers.map(brokerId);

/** A healthy row of three replicas led by the first, with what a test wants different. */
export const rowWith = (different: Partial<PartitionRow> = {}): PartitionRow => ({
  topicId: topicId("a".repeat(32)),
  partition: partitionIndex(0),
  replicas: ids(1, 2, 3),
  adding: [],
  removing: [],
  removed: [],
  leader: brokerId(1),
  leaderEpoch: leaderEpoch(5),
  partitionEpoch: partitionEpoch(9),
  isr: ids(1, 2, 3),
  elr: [],
  lost: [],
  minIsr: 2,
  synced: false,
  ...different,
});
