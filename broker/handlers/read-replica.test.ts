import { describe, expect, test } from "@jest/globals";
import type { BrokerId, LeaderEpoch, Offset, PartitionIndex } from "../base/ids.ts";
import { settle } from "../base/testing/fake-clock.ts";
import { brokerRow, idOf, TestBroker, type TopicSpec } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { fetch } from "../wire/apis/01-fetch.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";

const RACK_AWARE = { "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector" };

interface Ask {
  readonly rack?: string;
  readonly offset?: number;
  readonly epoch?: number;
  readonly version?: number;
  readonly maxWaitMs?: number;
  readonly session?: { id: number; epoch: number };
}

async function ask(client: TestClient, { rack = "", offset = 0, version = 17, ...rest }: Ask = {}) {
  const partition = {
    partition: 0 as PartitionIndex,
    currentLeaderEpoch: (rest.epoch ?? -1) as LeaderEpoch,
    fetchOffset: offset as Offset,
    partitionMaxBytes: 10_000,
  };
  const answer = await client.request(fetch, version, {
    maxWaitMs: rest.maxWaitMs ?? 0,
    minBytes: 1,
    sessionId: rest.session?.id ?? 0,
    sessionEpoch: rest.session?.epoch ?? -1,
    topics: [{ topic: "t", topicId: idOf(1), partitions: [partition] }],
    forgottenTopicsData: [],
    rackId: rack,
  });
  return { ...answer.responses[0]!.partitions[0]!, sessionId: answer.sessionId };
}

/** Broker 1 is in rack "a", broker 2 in "b", broker 3 in "c". The partition has three records. */
function setUp(options: { config?: Record<string, string>; spec?: Partial<TopicSpec> } = {}) {
  const broker = new TestBroker({ config: options.config ?? RACK_AWARE });
  broker.apply({ brokers: ["a", "b", "c"].map((rack, index) => brokerRow(index + 1, { rack })) });
  const [replica] = broker.addTopic({ name: "t", id: 1, ...options.spec });
  for (let count = 0; count < 3; count++) replica!.append(buildBatch([{ value: "v", timestamp: 1 }]));
  replica!.commit();
  replica!.followers = [2, 3].map((id) => ({ broker: id as BrokerId, logEnd: 3 as Offset }));
  return { broker, client: broker.connect(), replica: replica! };
}

describe("a leader", () => {
  test.each([11, 12, 17])("sends a consumer of another rack to the follower there, at once (v%i)", async (version) => {
    const { client, replica } = setUp();
    const answer = await ask(client, { version, rack: "b", maxWaitMs: 60_000 });
    expect(answer).toMatchObject({ errorCode: 0, preferredReadReplica: 2, highWatermark: 3, logStartOffset: 0 });
    expect([answer.records?.length, replica.listenerCount]).toEqual([0, 0]);
  });

  test("serves those of its own rack, of none, and of one without a replica", async () => {
    const { client } = setUp();
    for (const rack of ["a", "", "nowhere"]) {
      const answer = await ask(client, { rack });
      expect(answer.preferredReadReplica).toBe(-1);
      expect(answer.records?.length).toBeGreaterThan(100);
    }
    expect((await ask(client, { rack: "b", version: 10 })).records?.length).toBeGreaterThan(100);
  });

  test("serves everybody where replica.selector.class does not say otherwise", async () => {
    for (const config of [{}, { "replica.selector.class": "org.apache.kafka.common.replica.LeaderSelector" }]) {
      const { client } = setUp({ config });
      expect((await ask(client, { rack: "b" })).records?.length).toBeGreaterThan(100);
    }
  });

  test("sends nobody to one that is out of sync, behind, dead, leaving, or not on the client's listener", async () => {
    const { broker, client, replica } = setUp();
    const preferred = async (): Promise<number> => (await ask(client, { rack: "b", offset: 2 })).preferredReadReplica;
    expect(await preferred()).toBe(2);
    replica.followers = [{ broker: 2 as BrokerId, logEnd: 1 as Offset }];
    expect(await preferred()).toBe(-1);
    replica.followers = [{ broker: 2 as BrokerId, logEnd: 2 as Offset }];
    expect(await preferred()).toBe(2);
    for (const change of [{ isFenced: true }, { isShuttingDown: true }, { endpoints: [] }, { rack: null }]) {
      broker.apply({ brokers: [brokerRow(2, { rack: "b", ...change })] });
      expect(await preferred()).toBe(-1);
    }
    broker.apply({ brokers: [brokerRow(2, { rack: "b" })] });
    expect(await preferred()).toBe(2);
    replica.followers = [];
    expect(await preferred()).toBe(-1);
  });

  test("prefers the follower that has got furthest, then the lowest id", async () => {
    const { broker, client, replica } = setUp();
    broker.apply({ brokers: [brokerRow(3, { rack: "b" })] });
    expect((await ask(client, { rack: "b" })).preferredReadReplica).toBe(2);
    replica.followers = [2, 3].map((id) => ({ broker: id as BrokerId, logEnd: (id + 1) as Offset }));
    expect((await ask(client, { rack: "b" })).preferredReadReplica).toBe(3);
  });

  test("says it in a session each time, until there is no such follower", async () => {
    const { client, replica } = setUp();
    const first = await ask(client, { rack: "b", session: { id: 0, epoch: 0 } });
    expect(first.preferredReadReplica).toBe(2);
    const next = (epoch: number) => ask(client, { rack: "b", session: { id: first.sessionId, epoch } });
    expect((await next(1)).preferredReadReplica).toBe(2);
    replica.followers = [];
    expect((await next(2)).records?.length).toBeGreaterThan(100);
  });
});

describe("a follower", () => {
  test("serves consumers of its rack, and refuses others, who are shown the leader", async () => {
    const { client } = setUp({ spec: { leader: 2 } });
    const near = await ask(client, { rack: "a" });
    expect(near).toMatchObject({ errorCode: 0, highWatermark: 3, preferredReadReplica: -1 });
    expect(near.records?.length).toBeGreaterThan(100);
    for (const rack of ["b", "", "c"]) {
      expect(await ask(client, { rack })).toMatchObject({ errorCode: 6, currentLeader: { leaderId: 2 } });
    }
    expect((await ask(client, { rack: "a", version: 10 })).errorCode).toBe(6);
  });

  test("checks the leader epoch, and serves nobody where replica.selector.class does not say so", async () => {
    const { client } = setUp({ spec: { leader: 2 } });
    const codes = [];
    for (const epoch of [4, 5, 6]) codes.push((await ask(client, { rack: "a", epoch })).errorCode);
    expect(codes).toEqual([74, 0, 75]);
    expect((await ask(setUp({ config: {}, spec: { leader: 2 } }).client, { rack: "a" })).errorCode).toBe(6);
  });

  test("has consumers wait until its own high watermark moves", async () => {
    const { client, replica } = setUp({ spec: { leader: 2 } });
    const answer = ask(client, { rack: "a", offset: 3, maxWaitMs: 60_000 });
    await settle();
    expect(client.openCount).toBe(1);
    replica.append(buildBatch([{ value: "v", timestamp: 1 }]));
    replica.commit();
    expect(await answer).toMatchObject({ errorCode: 0, highWatermark: 4 });
  });

  test("that becomes the leader goes on serving, and one that is being opened refuses", async () => {
    const { client, replica } = setUp({ spec: { leader: 2 } });
    replica.role = "leader";
    expect((await ask(client, { rack: "a" })).errorCode).toBe(0);
    replica.role = "opening";
    expect((await ask(client, { rack: "a" })).errorCode).toBe(6);
  });
});
