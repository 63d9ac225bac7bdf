import { expect, test } from "@jest/globals";
import type { BrokerId } from "../base/ids.ts";
import type { MetadataRows, MetadataVersion, PartitionRow } from "../contract/rows.ts";
import { MetadataImage } from "./metadata-image.ts";

const none: MetadataRows = { brokers: [], topics: [], partitions: [], deletions: [], brokerConfigs: [] };
const version = (sequence: number) => ({ controllerEpoch: 1, sequence }) as MetadataVersion;

/** A partition of a topic of its own, on brokers 1 and 2. */
const row = (digit: string, different: object): PartitionRow =>
  ({
    topicId: digit.repeat(32),
    partition: 0,
    replicas: [1, 2],
    adding: [],
    removing: [],
    leader: 2,
    leaderEpoch: 0,
    partitionEpoch: 1,
    isr: [1, 2],
    elr: [],
    lost: [],
    minIsr: 1,
    synced: false,
    ...different,
  }) as unknown as PartitionRow;

test("a broker is in sync everywhere when it is in the ISR of whatever it was not only just given", () => {
  const image = new MetadataImage();
  const topics = ["a", "b"].map((digit) => ({ topicId: digit.repeat(32), name: digit, config: {}, partitionCount: 1 }));
  const partitions = [row("a", {}), row("b", { isr: [2] })];
  image.applySnapshot({ ...none, topics: topics as unknown as MetadataRows["topics"], partitions }, version(1));
  const inSync = () => [1, 2, 3].map((broker) => image.isInSyncEverywhere(broker as BrokerId));
  expect(inSync()).toEqual([false, true, true]);
  image.applyDelta({ ...none, partitions: [row("b", { isr: [2], adding: [1], partitionEpoch: 2 })] }, version(2));
  expect(inSync()).toEqual([true, true, true]);
});
