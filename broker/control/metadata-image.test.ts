import { describe, expect, test } from "@jest/globals";
import type { BrokerId, PartitionIndex, TopicId } from "../base/ids.ts";
import {
  isNewer,
  type MetadataRows,
  type MetadataVersion,
  type PartitionRow,
  type TopicRow,
} from "../contract/rows.ts";
import { MetadataImage } from "./metadata-image.ts";

const none: MetadataRows = { brokers: [], topics: [], partitions: [], deletions: [], brokerConfigs: [] };
const version = (sequence: number): MetadataVersion => ({ controllerEpoch: 1, sequence }) as MetadataVersion;
const id = (digit: string): TopicId => digit.repeat(32) as TopicId;
const topic = (digit: string, name: string): TopicRow => ({ topicId: id(digit), name, config: {}, partitionCount: 1 });
const partition = (digit: string, partitionEpoch: number, leader = 1): PartitionRow =>
  ({
    topicId: id(digit),
    partition: 0,
    replicas: [1, 2],
    adding: [],
    removing: [],
    leader,
    leaderEpoch: 0,
    partitionEpoch,
    isr: [1, 2],
    elr: [],
    lost: [],
    minIsr: 1,
    synced: false,
  }) as unknown as PartitionRow;

describe("metadata image", () => {
  test("a partition row replaces an older one and an older one changes nothing", () => {
    const image = new MetadataImage();
    image.applySnapshot({ ...none, topics: [topic("a", "t")], partitions: [partition("a", 3)] }, version(1));
    const stale = image.applyDelta({ ...none, partitions: [partition("a", 2, 2)] }, version(2));
    expect(stale.rows.partitions).toEqual([]);
    const fresh = image.applyDelta({ ...none, partitions: [partition("a", 4, 2)] }, version(3));
    expect(fresh.rows.partitions).toHaveLength(1);
    expect(image.partition(id("a"), 0 as PartitionIndex)?.leader).toBe(2);
    expect(image.version).toEqual(version(3));
  });

  test("a topic that a snapshot does not mention is named, not deleted", () => {
    const image = new MetadataImage();
    image.applySnapshot({ ...none, topics: [topic("a", "t"), topic("b", "u")] }, version(1));
    const change = image.applySnapshot({ ...none, topics: [topic("b", "u")] }, version(9));
    expect(change.unmentioned.map((one) => one.name)).toEqual(["t"]);
    expect(image.isDeleted(id("a"))).toBe(false);
    expect(image.topicByName("t")).toBeUndefined();
  });

  test("a deleted topic does not come back with a late row, and its name is free for another", () => {
    const image = new MetadataImage();
    image.applySnapshot({ ...none, topics: [topic("a", "t")], partitions: [partition("a", 1)] }, version(1));
    const waitingFor = [1 as BrokerId];
    image.applyDelta({ ...none, deletions: [{ topicId: id("a"), name: "t", waitingFor }] }, version(2));
    image.applyDelta({ ...none, topics: [topic("a", "t")], partitions: [partition("a", 7)] }, version(3));
    expect(image.topicByName("t")).toBeUndefined();
    expect(image.partitions(id("a"))).toEqual([]);
    image.applyDelta({ ...none, topics: [topic("c", "t")], partitions: [partition("c", 1)] }, version(4));
    expect(image.topicByName("t")?.topicId).toBe(id("c"));
  });

  test("versions are ordered by controller epoch first", () => {
    const later = { controllerEpoch: 2, sequence: 1 } as MetadataVersion;
    expect(isNewer(later, version(99))).toBe(true);
    expect(isNewer(version(99), later)).toBe(false);
    expect(isNewer(version(1), version(1))).toBe(false);
  });
});
