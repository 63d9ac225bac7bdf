import { describe, expect, test } from "@jest/globals";
import { type LeaderEpoch, NO_TOPIC_ID, type Offset, type PartitionIndex, type TopicId } from "../base/ids.ts";
import { settle } from "../base/testing/fake-clock.ts";
import type { FakeReplica } from "../testing/fake-replica.ts";
import { idOf, TestBroker, type TopicSpec } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { fetch } from "../wire/apis/01-fetch.ts";
import { emptyBatch } from "../wire/record-batch.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";

interface Wish {
  readonly topic?: string;
  readonly topicId?: TopicId;
  readonly partition?: number;
  readonly offset?: number;
  readonly epoch?: number;
  readonly lastEpoch?: number;
  readonly maxBytes?: number;
}

interface Options {
  readonly version?: number;
  readonly maxWaitMs?: number;
  readonly minBytes?: number;
  readonly maxBytes?: number;
  readonly session?: { id: number; epoch: number };
  readonly isolationLevel?: number;
}

const ask = (client: TestClient, wishes: readonly Wish[], options: Options = {}) =>
  client.request(fetch, options.version ?? 17, {
    maxWaitMs: options.maxWaitMs ?? 0,
    minBytes: options.minBytes ?? 1,
    maxBytes: options.maxBytes ?? 1_000_000,
    isolationLevel: options.isolationLevel ?? 0,
    sessionId: options.session?.id ?? 0,
    sessionEpoch: options.session?.epoch ?? -1,
    topics: wishes.map((wish) => ({
      topic: wish.topic ?? "t",
      topicId: wish.topicId ?? (wish.topic === "u" ? idOf(2) : idOf(1)),
      partitions: [
        {
          partition: (wish.partition ?? 0) as PartitionIndex,
          currentLeaderEpoch: (wish.epoch ?? -1) as LeaderEpoch,
          fetchOffset: (wish.offset ?? 0) as Offset,
          lastFetchedEpoch: (wish.lastEpoch ?? -1) as LeaderEpoch,
          partitionMaxBytes: wish.maxBytes ?? 1_000_000,
        },
      ],
    })),
    forgottenTopicsData: [],
  });

async function askOne(client: TestClient, wish: Wish = {}, options: Options = {}) {
  const answer = await ask(client, [wish], options);
  return { ...answer.responses[0]!.partitions[0]!, nodeEndpoints: answer.nodeEndpoints };
}

function setUp(spec: Partial<TopicSpec> = {}): { broker: TestBroker; client: TestClient; replica: FakeReplica } {
  const broker = new TestBroker();
  const [replica] = broker.addTopic({ name: "t", id: 1, ...spec });
  return { broker, client: broker.connect(), replica: replica! };
}

/** Appends batches of `sizes` bytes of value and commits them. */
function fill(replica: FakeReplica, ...sizes: number[]): Buffer[] {
  const batches = sizes.map((size) => buildBatch([{ value: "v".repeat(size), timestamp: 1 }]));
  for (const batch of batches) replica.append(batch);
  replica.commit();
  return batches;
}

describe("records", () => {
  test.each([4, 12, 13, 17])("come back byte for byte, with the partition's bounds (v%i)", async (version) => {
    const { client, replica } = setUp();
    const batches = fill(replica, 10, 5000);
    const answer = await ask(client, [{}], { version });
    expect(answer.responses[0]?.topic).toBe(version < 13 ? "t" : "");
    expect(answer.responses[0]?.topicId).toBe(version < 13 ? NO_TOPIC_ID : idOf(1));
    const [partition] = answer.responses[0]!.partitions;
    expect(partition).toMatchObject({ errorCode: 0, highWatermark: 2, lastStableOffset: 2, abortedTransactions: null });
    expect(Buffer.concat(batches).equals(partition!.records!)).toBe(true);
  });

  test("above the high watermark are not shown: empty without an error up to the log's end", async () => {
    const { client, replica } = setUp();
    fill(replica, 10);
    replica.append(buildBatch([{ value: "uncommitted", timestamp: 1 }]));
    expect(await askOne(client, { offset: 1 })).toMatchObject({ errorCode: 0, highWatermark: 1 });
    expect((await askOne(client, { offset: 1 })).records?.length).toBe(0);
    expect((await askOne(client, { offset: 2 })).errorCode).toBe(0);
    expect(await askOne(client, { offset: 3 })).toMatchObject({ errorCode: 1, highWatermark: -1 });
  });

  test("of the first partition come whatever their size; of later ones only what fits", async () => {
    const { broker, client, replica } = setUp();
    const [other] = broker.addTopic({ name: "u", id: 2 });
    fill(replica, 3000);
    fill(other!, 3000);
    const answer = await ask(client, [{}, { topic: "u" }], { maxBytes: 100 });
    const sizes = answer.responses.map(({ partitions }) => partitions[0]?.records?.length);
    expect(sizes[0]).toBeGreaterThan(3000);
    expect(sizes[1]).toBe(0);
    const both = await ask(client, [{}, { topic: "u" }], { maxBytes: 100_000 });
    expect(both.responses.every(({ partitions }) => partitions[0]!.records!.length > 3000)).toBe(true);
    const small = await ask(client, [{}, { topic: "u", maxBytes: 100 }]);
    expect(small.responses[1]?.partitions[0]?.records?.length).toBe(0);
  });

  test("from disk are answered without waiting for more, and a broken disk is KAFKA_STORAGE_ERROR", async () => {
    const { broker, client, replica } = setUp();
    fill(replica, 50);
    replica.disk = { fails: false };
    const answer = await askOne(client, {}, { minBytes: 100_000, maxWaitMs: 60_000 });
    expect(answer.records!.length).toBeGreaterThan(50);
    replica.disk = { fails: true };
    expect((await askOne(client)).errorCode).toBe(56);
    expect(broker.lines.map(({ level }) => level)).toEqual(["error"]);
  });

  test("of which compaction has left none are worth no answer of their own: they wait", async () => {
    const { broker, client, replica } = setUp();
    replica.append(emptyBatch({ baseOffset: 0 as Offset, lastOffset: 6 as Offset, leaderEpoch: 0 as LeaderEpoch }));
    replica.commit();
    replica.disk = { fails: false };
    const answer = askOne(client, {}, { maxWaitMs: 500 });
    await broker.clock.advance(400);
    expect(client.openCount).toBe(1);
    await broker.clock.advance(200);
    expect(await answer).toMatchObject({ errorCode: 0, highWatermark: 7 });
    expect((await answer).records).toHaveLength(61);
  });

  test.each([0, 1])(
    "of which compaction has left none do not hide what came while they were read (%i)",
    async (moved) => {
      const { broker, client, replica } = setUp();
      const [other] = broker.addTopic({ name: "u", id: 2 });
      replica.append(emptyBatch({ baseOffset: 0 as Offset, lastOffset: 6 as Offset, leaderEpoch: 0 as LeaderEpoch }));
      replica.commit();
      const { promise: isRead, resolve: giveRead } = Promise.withResolvers<void>();
      const { read } = replica;
      replica.read = (from, options) => {
        // As a replica does: in front of records nothing empty is given.
        const found = read.call(replica, replica.logEnd > 7 ? (7 as Offset) : from, options);
        return isRead.then(() => found);
      };
      const answer = ask(client, [{ topic: "u" }, { offset: 0 }], { maxWaitMs: 60_000 });
      await settle();
      fill([replica, other!][moved]!, 10);
      giveRead();
      await broker.clock.advance(10);
      expect(client.openCount).toBe(0);
      const found = (await answer).responses.map(({ partitions: [one] }) => one!.records!.length > 61);
      expect(found).toEqual([moved === 1, moved === 0]);
    },
  );

  test("read committed come with an empty list of aborted transactions", async () => {
    const { client, replica } = setUp();
    fill(replica, 1);
    expect((await askOne(client, {}, { isolationLevel: 1 })).abortedTransactions).toEqual([]);
  });
});

describe("waiting", () => {
  test("ends as soon as enough is committed", async () => {
    const { client, replica } = setUp();
    const answer = askOne(client, {}, { maxWaitMs: 60_000 });
    await settle();
    expect([client.openCount, replica.listenerCount]).toEqual([1, 1]);
    replica.append(buildBatch([{ value: "a", timestamp: 1 }]));
    await settle();
    expect(client.openCount).toBe(1);
    replica.commit();
    expect((await answer).records!.length).toBeGreaterThan(60);
    expect(replica.listenerCount).toBe(0);
  });

  test("ends after max.wait with what there is", async () => {
    const { broker, client, replica } = setUp();
    fill(replica, 10);
    const answer = askOne(client, {}, { maxWaitMs: 500, minBytes: 10_000 });
    await broker.clock.advance(400);
    expect(client.openCount).toBe(1);
    await broker.clock.advance(200);
    expect((await answer).records!.length).toBeGreaterThan(60);
  });

  test("for many bytes goes on over small commits", async () => {
    const { broker, client, replica } = setUp();
    const answer = askOne(client, {}, { maxWaitMs: 60_000, minBytes: 300 });
    await settle();
    for (let at = 0; at < 2; at++) {
      fill(replica, 50);
      await broker.clock.advance(20);
      expect(client.openCount).toBe(1);
    }
    fill(replica, 50);
    await broker.clock.advance(20);
    expect((await answer).records!.length).toBeGreaterThan(300);
  });

  test("ends when leadership goes", async () => {
    const { client, replica } = setUp();
    const answer = askOne(client, {}, { maxWaitMs: 60_000 });
    await settle();
    replica.role = "follower";
    replica.notify();
    expect((await answer).errorCode).toBe(6);
  });

  test("is not done for errors, nor without partitions", async () => {
    const { client } = setUp();
    expect((await askOne(client, { topicId: idOf(9) }, { maxWaitMs: 60_000 })).errorCode).toBe(100);
    expect((await ask(client, [], { maxWaitMs: 60_000 })).responses).toEqual([]);
  });

  test("leaves nothing behind when the client goes", async () => {
    const { client, replica } = setUp();
    void askOne(client, {}, { maxWaitMs: 60_000 });
    await settle();
    expect(replica.listenerCount).toBe(1);
    client.stream.destroy();
    await settle();
    expect(replica.listenerCount).toBe(0);
  });

  test("does not hold up the connection's next request", async () => {
    const { client, replica } = setUp();
    const waiting = askOne(client, {}, { maxWaitMs: 60_000 });
    const next = askOne(client, { offset: 7 });
    await settle();
    fill(replica, 10);
    expect((await waiting).errorCode).toBe(0);
    expect((await next).errorCode).toBe(1);
  });
});

describe("leadership", () => {
  test("an unknown topic is UNKNOWN_TOPIC_OR_PARTITION by name and UNKNOWN_TOPIC_ID by id", async () => {
    const { client } = setUp();
    expect((await askOne(client, { topic: "nope" }, { version: 12 })).errorCode).toBe(3);
    expect((await askOne(client, { topicId: idOf(9) })).errorCode).toBe(100);
    expect((await askOne(client, { partition: 5 })).errorCode).toBe(3);
  });

  test("another leader is named, with its address from v16 on", async () => {
    const { client } = setUp({ leader: 2 });
    const answer = await askOne(client);
    expect(answer).toMatchObject({ errorCode: 6, currentLeader: { leaderId: 2, leaderEpoch: 5 } });
    expect(answer.nodeEndpoints).toEqual([{ nodeId: 2, host: "host-2", port: 9002, rack: "r2" }]);
    expect((await askOne(client, {}, { version: 15 })).nodeEndpoints).toEqual([]);
  });

  test("a client with an old epoch is fenced and shown the leader, one that is ahead is asked to wait", async () => {
    const { client } = setUp();
    expect(await askOne(client, { epoch: 4 })).toMatchObject({ errorCode: 74, currentLeader: { leaderId: 1 } });
    expect((await askOne(client, { epoch: 6 })).errorCode).toBe(75);
    expect((await askOne(client, { epoch: 5 })).errorCode).toBe(0);
  });

  test("a client whose last epoch ended earlier here is told where", async () => {
    const { client, replica } = setUp();
    fill(replica, 1, 1, 1);
    replica.epochEnds.set(4, { epoch: 3 as LeaderEpoch, endOffset: 1 as Offset });
    const diverged = await askOne(client, { offset: 3, lastEpoch: 4 }, { maxWaitMs: 60_000 });
    expect(diverged).toMatchObject({ errorCode: 0, divergingEpoch: { epoch: 3, endOffset: 1 } });
    expect(diverged.records?.length).toBe(0);
    replica.epochEnds.set(9, { epoch: -1 as LeaderEpoch, endOffset: -1 as Offset });
    expect((await askOne(client, { offset: 3, lastEpoch: 9 })).errorCode).toBe(1);
    expect((await askOne(client, { offset: 1, lastEpoch: 5 })).divergingEpoch.epoch).toBe(-1);
  });
});
