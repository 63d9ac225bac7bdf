import { describe, expect, test } from "@jest/globals";
import type { Offset, PartitionIndex } from "../base/ids.ts";
import { OFFSETS_TOPIC } from "../groups/coordinator.ts";
import { TestBroker } from "../testing/test-broker.ts";
import { deleteRecords } from "../wire/apis/21-delete-records.ts";

const at = (partitionIndex: number, offset: number) => ({
  partitionIndex: partitionIndex as PartitionIndex,
  offset: offset as Offset,
});

describe("DeleteRecords", () => {
  test.each([0, 1, 2])("answers each partition with where it begins now, or why not (v%i)", async (version) => {
    const broker = new TestBroker();
    const [first, second] = broker.addTopic({ name: "t", id: 1, partitions: 2 });
    broker.addTopic({ name: OFFSETS_TOPIC, id: 2 });
    first!.highWatermark = 10 as Offset;
    second!.highWatermark = 5 as Offset;
    const topics = [
      { name: "t", partitions: [at(0, 7), at(1, -1), at(1, 6), at(2, 1)] },
      { name: OFFSETS_TOPIC, partitions: [at(0, 0)] },
      { name: "none", partitions: [at(0, 0)] },
    ];
    const answer = await broker.connect().request(deleteRecords, version, { topics, timeoutMs: 100 });
    const told = answer.topics.map(({ partitions }) => partitions.map((one) => [one.lowWatermark, one.errorCode]));
    expect(told).toEqual([
      [
        [7, 0],
        [5, 0],
        [-1, 1],
        [-1, 3],
      ],
      [[-1, 17]],
      [[-1, 3]],
    ]);
    expect([first!.logStart, second!.logStart]).toEqual([7, 5]);
  });

  test("goes to the leader", async () => {
    const broker = new TestBroker();
    const [replica] = broker.addTopic({ name: "t", id: 1 });
    replica!.role = "follower";
    const topics = [{ name: "t", partitions: [at(0, 0)] }];
    const answer = await broker.connect().request(deleteRecords, 2, { topics, timeoutMs: 100 });
    expect(answer.topics[0]?.partitions[0]?.errorCode).toBe(6);
  });
});
