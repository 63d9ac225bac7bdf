import { describe, expect, test } from "@jest/globals";
import type { BrokerId, LeaderEpoch, Offset, PartitionIndex } from "../base/ids.ts";
import type { FakeReplica } from "../testing/fake-replica.ts";
import { TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { listOffsets } from "../wire/apis/02-list-offsets.ts";
import { offsetForLeaderEpoch } from "../wire/apis/23-offset-for-leader-epoch.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";

function setUp(): { broker: TestBroker; client: TestClient; replica: FakeReplica } {
  const broker = new TestBroker();
  const [replica] = broker.addTopic({ name: "t", id: 1 });
  for (const timestamp of [100, 300, 200]) replica!.append(buildBatch([{ value: "x", timestamp }]));
  return { broker, client: broker.connect(), replica: replica! };
}

async function ask(client: TestClient, timestamp: number, options: { version?: number; epoch?: number } = {}) {
  const { topics } = await client.request(listOffsets, options.version ?? 11, {
    replicaId: -1 as BrokerId,
    isolationLevel: 0,
    topics: [
      {
        name: "t",
        partitions: [
          {
            partitionIndex: 0 as PartitionIndex,
            currentLeaderEpoch: (options.epoch ?? -1) as LeaderEpoch,
            timestamp,
          },
        ],
      },
    ],
  });
  return topics[0]!.partitions[0]!;
}

describe("ListOffsets", () => {
  test("latest is the high watermark, earliest the log's start, each with its epoch", async () => {
    const { client, replica } = setUp();
    replica.commit(2 as Offset);
    expect(await ask(client, -1)).toMatchObject({ errorCode: 0, offset: 2, timestamp: -1, leaderEpoch: 5 });
    expect(await ask(client, -2)).toMatchObject({ errorCode: 0, offset: 0, timestamp: -1, leaderEpoch: 5 });
    expect(await ask(client, -4)).toMatchObject({ errorCode: 0, offset: 0 });
    expect(await ask(client, -1, { version: 1 })).toMatchObject({ errorCode: 0, offset: 2 });
  });

  test("latest right after an election is OFFSET_NOT_AVAILABLE, before v5 LEADER_NOT_AVAILABLE", async () => {
    const { client, replica } = setUp();
    replica.isReadyAsLeader = false;
    expect((await ask(client, -1)).errorCode).toBe(78);
    expect((await ask(client, -1, { version: 4 })).errorCode).toBe(5);
    expect((await ask(client, -2)).errorCode).toBe(0);
  });

  test("a timestamp gives the first record that is not older, as far as it is committed", async () => {
    const { client, replica } = setUp();
    replica.commit();
    expect(await ask(client, 150)).toMatchObject({ errorCode: 0, offset: 1, timestamp: 300 });
    expect(await ask(client, 301)).toMatchObject({ errorCode: 0, offset: -1, timestamp: -1, leaderEpoch: -1 });
    expect(await ask(client, -3)).toMatchObject({ errorCode: 0, offset: 1, timestamp: 300 });
    replica.commit(1 as Offset);
    expect(await ask(client, 150)).toMatchObject({ errorCode: 0, offset: -1 });
    expect(await ask(client, -3)).toMatchObject({ errorCode: 0, offset: -1 });
  });

  test("tiers do not exist, and a version that does not know a special timestamp is UNSUPPORTED_VERSION", async () => {
    const { client } = setUp();
    expect(await ask(client, -5)).toMatchObject({ errorCode: 0, offset: -1 });
    expect(await ask(client, -6)).toMatchObject({ errorCode: 0, offset: -1 });
    expect((await ask(client, -6, { version: 10 })).errorCode).toBe(35);
    expect((await ask(client, -3, { version: 6 })).errorCode).toBe(35);
    expect((await ask(client, -7)).errorCode).toBe(35);
  });

  test("leadership and epochs are checked, and a partition named twice is INVALID_REQUEST", async () => {
    const { client, replica } = setUp();
    expect((await ask(client, -1, { epoch: 4 })).errorCode).toBe(74);
    expect((await ask(client, -1, { epoch: 6 })).errorCode).toBe(75);
    replica.role = "follower";
    expect((await ask(client, -1)).errorCode).toBe(6);
    const partition = { partitionIndex: 0 as PartitionIndex, timestamp: -1 };
    const { topics } = await client.request(listOffsets, 7, {
      replicaId: -1 as BrokerId,
      isolationLevel: 0,
      topics: [
        { name: "t", partitions: [partition, partition] },
        { name: "nope", partitions: [partition] },
      ],
    });
    expect(topics.map(({ partitions }) => partitions.map(({ errorCode }) => errorCode))).toEqual([[42, 42], [3]]);
  });
});

describe("OffsetForLeaderEpoch", () => {
  const askEpoch = async (client: TestClient, epoch: number, options: { current?: number; version?: number } = {}) => {
    const currentLeaderEpoch = (options.current ?? -1) as LeaderEpoch;
    const asked = { partition: 0 as PartitionIndex, currentLeaderEpoch, leaderEpoch: epoch as LeaderEpoch };
    const request = { replicaId: -1 as BrokerId, topics: [{ topic: "t", partitions: [asked] }] };
    const { topics } = await client.request(offsetForLeaderEpoch, options.version ?? 4, request);
    return topics[0]!.partitions[0]!;
  };

  test.each([2, 4])("tells where an epoch ends in the leader's log (v%i)", async (version) => {
    const { client, replica } = setUp();
    replica.epochEnds.set(4, { epoch: 3 as LeaderEpoch, endOffset: 1 as Offset });
    expect(await askEpoch(client, 5, { version })).toEqual({
      errorCode: 0,
      partition: 0,
      leaderEpoch: 5,
      endOffset: 3,
    });
    expect(await askEpoch(client, 4, { version })).toMatchObject({ leaderEpoch: 3, endOffset: 1 });
  });

  test("is refused by whoever does not lead, and for another epoch than the current", async () => {
    const { client, replica } = setUp();
    expect((await askEpoch(client, 5, { current: 4 })).errorCode).toBe(74);
    replica.role = "follower";
    expect(await askEpoch(client, 5)).toMatchObject({ errorCode: 6, leaderEpoch: -1, endOffset: -1 });
  });
});
