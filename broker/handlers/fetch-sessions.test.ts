import { describe, expect, test } from "@jest/globals";
import { FakeClock, settle } from "../base/testing/fake-clock.ts";
import { type LeaderEpoch, NO_TOPIC_ID, type Offset, type PartitionIndex } from "../base/ids.ts";
import { Metrics } from "../base/metrics.ts";
import type { FakeReplica } from "../testing/fake-replica.ts";
import { idOf, TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { fetch } from "../wire/apis/01-fetch.ts";
import type { Infer } from "../wire/schema.ts";
import { emptyBatch } from "../wire/record-batch.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";
import { addFetchSessionMetrics, FetchSessions } from "./fetch-sessions.ts";
import { FetchedPartition } from "./fetched-partition.ts";

type Response = Infer<typeof fetch.response>;

interface Ask {
  readonly id?: number;
  readonly epoch: number;
  /** Partition → offset to read from. */
  readonly wanted?: Readonly<Record<number, number>>;
  readonly forgotten?: readonly number[];
  readonly version?: number;
  readonly maxWaitMs?: number;
  readonly maxBytes?: number;
  readonly minBytes?: number;
}

/** A client of topic "t" that keeps a session, and three partitions of it. */
function setUp({ partitions = 3, config = {} }: { partitions?: number; config?: Record<string, string> } = {}) {
  const broker = new TestBroker({ config });
  const replicas = broker.addTopic({ name: "t", id: 1, partitions });
  return { broker, replicas, client: broker.connect() };
}

function ask(client: TestClient, { id = 0, epoch, wanted = {}, forgotten = [], version = 17, ...rest }: Ask) {
  const topic = version < 13 ? { topic: "t", topicId: NO_TOPIC_ID } : { topic: "", topicId: idOf(1) };
  const partitions = Object.entries(wanted).map(([partition, offset]) => ({
    partition: Number(partition) as PartitionIndex,
    fetchOffset: offset as Offset,
    partitionMaxBytes: 1_000_000,
  }));
  return client.request(fetch, version, {
    maxWaitMs: rest.maxWaitMs ?? 0,
    minBytes: rest.minBytes ?? 1,
    maxBytes: rest.maxBytes ?? 1_000_000,
    sessionId: id,
    sessionEpoch: epoch,
    topics: partitions.length === 0 ? [] : [{ ...topic, partitions }],
    forgottenTopicsData: forgotten.length === 0 ? [] : [{ ...topic, partitions: forgotten as PartitionIndex[] }],
  });
}

const append = (replica: FakeReplica, value = "v"): void => {
  replica.append(buildBatch([{ value, timestamp: 1 }]));
  replica.commit();
};

const partitionsOf = (answer: Response): number[] =>
  answer.responses.flatMap(({ partitions }) => partitions.map(({ partitionIndex }) => partitionIndex));
const bytesOf = (answer: Response): (number | undefined)[] =>
  answer.responses.flatMap(({ partitions }) => partitions.map(({ records }) => records?.length));

describe.each([7, 12, 13, 17])("a session (v%i)", (version) => {
  test("begins with a full fetch, and its next answers hold only what is new", async () => {
    const { client, replicas } = setUp();
    const full = await ask(client, { version, epoch: 0, wanted: { 0: 0, 1: 0, 2: 0 } });
    expect(full.sessionId).toBeGreaterThan(0);
    expect(partitionsOf(full)).toEqual([0, 1, 2]);
    const id = full.sessionId;
    const idle = await ask(client, { version, id, epoch: 1 });
    expect(idle).toMatchObject({ errorCode: 0, sessionId: id, responses: [] });
    append(replicas[1]!);
    const news = await ask(client, { version, id, epoch: 2 });
    expect(partitionsOf(news)).toEqual([1]);
    expect(bytesOf(news)[0]).toBeGreaterThan(60);
    // As long as the client does not move on it is given the same.
    expect(partitionsOf(await ask(client, { version, id, epoch: 3 }))).toEqual([1]);
    expect(partitionsOf(await ask(client, { version, id, epoch: 4, wanted: { 1: 1 } }))).toEqual([]);
    expect(partitionsOf(await ask(client, { version, id, epoch: 5 }))).toEqual([]);
  });

  test("takes partitions in and forgets others, and ends when none is left", async () => {
    const { broker, client, replicas } = setUp();
    const { sessionId: id } = await ask(client, { version, epoch: 0, wanted: { 0: 0 } });
    expect(partitionsOf(await ask(client, { version, id, epoch: 1, wanted: { 2: 0 }, forgotten: [0] }))).toEqual([2]);
    append(replicas[0]!);
    append(replicas[2]!);
    expect(partitionsOf(await ask(client, { version, id, epoch: 2 }))).toEqual([2]);
    const last = await ask(client, { version, id, epoch: 3, forgotten: [2], maxWaitMs: 60_000 });
    expect(last).toMatchObject({ errorCode: 0, sessionId: 0, responses: [] });
    expect((await ask(client, { version, id, epoch: 4 })).errorCode).toBe(70);
    expect(broker.context.fetchSessions.size).toBe(0);
    expect(replicas.map(({ listenerCount }) => listenerCount)).toEqual([0, 0, 0]);
  });

  test("of one kind of names is not gone on with by the other", async () => {
    const { client } = setUp();
    const { sessionId: id } = await ask(client, { version, epoch: 0, wanted: { 0: 0 } });
    expect((await ask(client, { version: version < 13 ? 13 : 12, id, epoch: 1 })).errorCode).toBe(106);
    expect((await ask(client, { version, id, epoch: 1 })).errorCode).toBe(0);
  });
});

describe("the epoch of a session", () => {
  test("must be the next one, in a session that there is", async () => {
    const { client } = setUp();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0 } });
    for (const epoch of [2, 7, -2]) {
      expect(await ask(client, { id, epoch })).toMatchObject({ errorCode: 71, sessionId: 0, responses: [] });
    }
    expect((await ask(client, { id, epoch: 1 })).errorCode).toBe(0);
    expect((await ask(client, { id, epoch: 1 })).errorCode).toBe(71);
    expect((await ask(client, { id: id + 1, epoch: 1 })).errorCode).toBe(70);
    expect((await ask(client, { id: 0, epoch: 1 })).errorCode).toBe(70);
  });

  test("0 ends the session that is named and begins another, −1 begins none", async () => {
    const { broker, client, replicas } = setUp();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0 } });
    const { sessionId: next } = await ask(client, { id, epoch: 0, wanted: { 0: 0, 1: 0 } });
    expect(next).toBeGreaterThan(0);
    expect(broker.context.fetchSessions).toMatchObject({ size: 1, partitionCount: 2 });
    const closing = await ask(client, { id: next, epoch: -1, wanted: { 0: 0 } });
    expect([closing.errorCode, closing.sessionId, partitionsOf(closing)]).toEqual([0, 0, [0]]);
    expect((await ask(client, { id: next, epoch: -1, maxWaitMs: 60_000 })).responses).toEqual([]);
    expect(broker.context.fetchSessions.size).toBe(0);
    expect(replicas.map(({ listenerCount }) => listenerCount)).toEqual([0, 0, 0]);
  });
});

describe("an incremental fetch", () => {
  test("tells of a high watermark or log start that moved, once", async () => {
    const { client, replicas } = setUp();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0, 1: 5, 2: 0 } });
    // Partition 1 is beyond its end: that is told each time, and once more when it is over.
    const wrong = await ask(client, { id, epoch: 1 });
    expect(wrong.responses[0]?.partitions).toMatchObject([{ partitionIndex: 1, errorCode: 1 }]);
    for (let count = 0; count < 6; count++) replicas[1]!.append(buildBatch([{ value: "v", timestamp: 1 }]));
    const over = await ask(client, { id, epoch: 2 });
    expect(over.responses[0]?.partitions).toMatchObject([{ partitionIndex: 1, errorCode: 0, highWatermark: 0 }]);
    expect(partitionsOf(await ask(client, { id, epoch: 3 }))).toEqual([]);
    replicas[1]!.commit(3 as Offset);
    const moved = await ask(client, { id, epoch: 4 });
    expect(moved.responses[0]?.partitions).toMatchObject([{ partitionIndex: 1, highWatermark: 3 }]);
    expect(partitionsOf(await ask(client, { id, epoch: 5 }))).toEqual([]);
    append(replicas[0]!);
    expect(partitionsOf(await ask(client, { id, epoch: 6, wanted: { 0: 1 } }))).toEqual([0]);
    replicas[0]!.logStart = 1 as Offset;
    replicas[0]!.notify();
    const deleted = await ask(client, { id, epoch: 7 });
    expect(deleted.responses[0]?.partitions).toMatchObject([{ partitionIndex: 0, logStartOffset: 1 }]);
  });

  test("waits for any of its partitions, and looks only at the one that moved", async () => {
    const { client, replicas } = setUp({ partitions: 50 });
    const wanted = Object.fromEntries(replicas.map((_, index) => [index, 0]));
    const { sessionId: id } = await ask(client, { epoch: 0, wanted });
    const looks: number[] = [];
    for (const [index, replica] of replicas.entries()) {
      const { read } = replica;
      replica.read = (from, options) => {
        looks.push(index);
        return read.call(replica, from, options);
      };
    }
    const waiting = ask(client, { id, epoch: 1, maxWaitMs: 60_000 });
    await settle();
    expect([client.openCount, looks]).toEqual([1, []]);
    append(replicas[41]!);
    const answer = await waiting;
    expect([partitionsOf(answer), looks]).toEqual([[41], [41]]);
  });

  test("that waits in vain is answered after max.wait, with the news that were not worth ending it", async () => {
    const { broker, client, replicas } = setUp();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0, 1: 0 } });
    const waiting = ask(client, { id, epoch: 1, maxWaitMs: 500, minBytes: 10_000 });
    await settle();
    append(replicas[1]!);
    await broker.clock.advance(400);
    expect(client.openCount).toBe(1);
    await broker.clock.advance(200);
    expect(bytesOf(await waiting)[0]).toBeGreaterThan(60);
  });

  test("tells of a leader that went, and goes on when it is back", async () => {
    const { client, replicas } = setUp();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0, 1: 0 } });
    const waiting = ask(client, { id, epoch: 1, maxWaitMs: 60_000 });
    await settle();
    replicas[0]!.role = "follower";
    replicas[0]!.notify();
    expect((await waiting).responses[0]?.partitions).toMatchObject([{ partitionIndex: 0, errorCode: 6 }]);
    replicas[0]!.role = "leader";
    replicas[0]!.leaderEpoch = 6 as LeaderEpoch;
    replicas[0]!.notify();
    const back = await ask(client, { id, epoch: 2 });
    expect(back.responses[0]?.partitions).toMatchObject([{ partitionIndex: 0, errorCode: 0, highWatermark: 0 }]);
  });

  test("serves in turn: a partition without end does not starve the others", async () => {
    const { client, replicas } = setUp();
    for (const replica of replicas) for (let count = 0; count < 20; count++) append(replica, "x".repeat(1000));
    const full = await ask(client, { epoch: 0, wanted: { 0: 0, 1: 0, 2: 0 }, maxBytes: 1100 });
    expect(bytesOf(full).map((bytes) => (bytes ?? 0) > 0)).toEqual([true, false, false]);
    const served: number[][] = [];
    for (let epoch = 1; epoch < 7; epoch++) {
      const answer = await ask(client, { id: full.sessionId, epoch, maxBytes: 1100 });
      served.push(partitionsOf(answer));
    }
    expect(served).toEqual([[1], [2], [0], [1], [2], [0]]);
  });

  test("of the same session ends the wait of the one before it, also by another connection", async () => {
    const { broker, client, replicas } = setUp();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0 } });
    const first = ask(client, { id, epoch: 1, maxWaitMs: 60_000 });
    const second = ask(client, { id, epoch: 2, maxWaitMs: 60_000 });
    expect(await first).toMatchObject({ errorCode: 0, sessionId: id, responses: [] });
    const third = ask(broker.connect(), { id, epoch: 3, maxWaitMs: 60_000 });
    expect((await second).errorCode).toBe(0);
    append(replicas[0]!);
    expect(partitionsOf(await third)).toEqual([0]);
  });

  test("that reads from disk is finished before the next one begins", async () => {
    const { client, replicas } = setUp();
    append(replicas[0]!);
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0, 1: 0 } });
    const { promise: isRead, resolve: giveRead } = Promise.withResolvers<void>();
    const { read } = replicas[0]!;
    replicas[0]!.read = async (from, options) => {
      await isRead;
      return read.call(replicas[0]!, from, options);
    };
    const first = ask(client, { id, epoch: 1 });
    const second = ask(client, { id, epoch: 2, wanted: { 0: 1 } });
    await settle();
    expect(client.openCount).toBe(2);
    append(replicas[1]!);
    giveRead();
    expect(partitionsOf(await first)).toEqual([0, 1]);
    expect(partitionsOf(await second)).toEqual([1]);
  });

  test("ends the wait of one that was still reading when it came", async () => {
    const { client, replicas } = setUp();
    const emptied = { baseOffset: 0 as Offset, lastOffset: 6 as Offset, leaderEpoch: 0 as LeaderEpoch };
    replicas[0]!.append(emptyBatch(emptied));
    replicas[0]!.commit();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0, 1: 0 } });
    const { promise: isRead, resolve: giveRead } = Promise.withResolvers<void>();
    const { read } = replicas[0]!;
    replicas[0]!.read = async (from, options) => {
      await isRead;
      return read.call(replicas[0]!, from, options);
    };
    const earlier = ask(client, { id, epoch: 1, maxWaitMs: 60_000 });
    const later = ask(client, { id, epoch: 2 });
    await settle();
    giveRead();
    expect(partitionsOf(await earlier)).toEqual([0]);
    expect((await later).errorCode).toBe(0);
  });

  test("that its client did not wait for leaves nothing waiting, and the session as it was", async () => {
    const { broker, client, replicas } = setUp();
    const { sessionId: id } = await ask(client, { epoch: 0, wanted: { 0: 0, 1: 0 } });
    void ask(client, { id, epoch: 1, maxWaitMs: 60_000 });
    await settle();
    client.stream.destroy();
    await settle();
    append(replicas[1]!);
    const other = broker.connect();
    expect(partitionsOf(await ask(other, { id, epoch: 2 }))).toEqual([1]);
    await ask(other, { id, epoch: -1 });
    expect(replicas.map(({ listenerCount }) => listenerCount)).toEqual([0, 0, 0]);
  });

  test("of a topic made again under its name reads the new one", async () => {
    const { broker, client, replicas } = setUp();
    append(replicas[0]!);
    const { sessionId: id } = await ask(client, { version: 12, epoch: 0, wanted: { 0: 1 } });
    broker.apply({ deletions: [{ topicId: idOf(1), name: "t", waitingFor: [] }] });
    replicas[0]!.notify();
    const gone = await ask(client, { version: 12, id, epoch: 1 });
    expect(gone.responses[0]?.partitions).toMatchObject([{ partitionIndex: 0, errorCode: 3 }]);
    const [anew] = broker.addTopic({ name: "t", id: 2 });
    append(anew!);
    const back = await ask(client, { version: 12, id, epoch: 2, wanted: { 0: 0 } });
    expect(bytesOf(back)[0]).toBeGreaterThan(60);
  });
});

test("two wishes for one partition in a request are one partition of the session", async () => {
  const { broker, client } = setUp();
  const topic = { topic: "", topicId: idOf(1) };
  const wish = { partition: 0 as PartitionIndex, fetchOffset: 0 as Offset, partitionMaxBytes: 1000 };
  const request = { maxWaitMs: 0, minBytes: 1, maxBytes: 1000, forgottenTopicsData: [] };
  const topics = [{ ...topic, partitions: [wish, wish] }];
  const full = await client.request(fetch, 17, { ...request, sessionId: 0, sessionEpoch: 0, topics });
  expect([full.sessionId > 0, partitionsOf(full)]).toEqual([true, [0, 0]]);
  expect(broker.context.fetchSessions.partitionCount).toBe(1);
  const next = { ...request, sessionId: full.sessionId, sessionEpoch: 1, topics };
  expect(partitionsOf(await client.request(fetch, 17, next))).toEqual([]);
});

const TOPIC = { topic: "t", topicId: NO_TOPIC_ID };
const wishOf = (partition: number) => ({
  partition: partition as PartitionIndex,
  currentLeaderEpoch: -1 as LeaderEpoch,
  fetchOffset: 0 as Offset,
  lastFetchedEpoch: -1 as LeaderEpoch,
  logStartOffset: -1 as Offset,
  partitionMaxBytes: 1000,
  replicaDirectoryId: NO_TOPIC_ID,
  highWatermark: -1 as Offset,
});

describe("room for sessions", () => {
  const newSessions = ({ slots, partitionsMax = 100 }: { slots: number; partitionsMax?: number }) => {
    const clock = new FakeClock();
    const sessions = new FetchSessions({
      clock,
      random: { next: () => 0.5, id: () => "" },
      slots: () => slots,
      partitionsMax,
    });
    const open = (size: number) => {
      const owner = { onPartitionChange: () => {} };
      const partitions = Array.from({ length: size }, (_, index) => new FetchedPartition(TOPIC, wishOf(index), owner));
      return sessions.open(partitions, { hasTopicIds: false });
    };
    const use = (session: NonNullable<ReturnType<typeof open>>): void => {
      sessions.use(session, { wake: () => {}, hurry: () => {} });
      session.release();
    };
    return { clock, sessions, open, use };
  };

  test("is bounded: without a slot the client goes on with full fetches", async () => {
    const { client } = setUp({ config: { "max.incremental.fetch.session.cache.slots": "1" } });
    expect((await ask(client, { epoch: 0, wanted: { 0: 0 } })).sessionId).toBeGreaterThan(0);
    const full = await ask(client, { epoch: 0, wanted: { 0: 0 } });
    expect([full.errorCode, full.sessionId, partitionsOf(full)]).toEqual([0, 0, [0]]);
    const none = setUp({ config: { "max.incremental.fetch.session.cache.slots": "0" } });
    expect((await ask(none.client, { epoch: 0, wanted: { 0: 0 } })).sessionId).toBe(0);
  });

  test("is made by the longest unused, once it was not used for two minutes", async () => {
    const { clock, sessions, open, use } = newSessions({ slots: 2 });
    const [first, second] = [open(50)!, open(1)!];
    await clock.advance(100_000);
    use(first);
    await clock.advance(21_000);
    const third = open(1)!;
    expect([first, second, third].map(({ isClosed }) => isClosed)).toEqual([false, true, false]);
    expect(sessions).toMatchObject({ size: 2, partitionCount: 51, evictions: 1 });
  });

  test("is made by the smallest that is old enough, for a larger one only", async () => {
    const { clock, sessions, open, use } = newSessions({ slots: 3 });
    const old = [open(3)!, open(2)!];
    await clock.advance(100_000);
    const young = open(1)!;
    for (const session of old) use(session);
    await clock.advance(21_000);
    expect(open(2)).toBeNull();
    expect(open(3)).not.toBeNull();
    expect([...old, young].map(({ isClosed }) => isClosed)).toEqual([false, true, false]);
    expect(sessions.evictions).toBe(1);
  });

  test("is bounded by partitions, too", async () => {
    const { clock, sessions, open } = newSessions({ slots: 10, partitionsMax: 10 });
    expect(open(11)).toBeNull();
    const session = open(8)!;
    expect(open(3)).toBeNull();
    const more = { topics: [{ ...TOPIC, partitions: [8, 9, 10].map(wishOf) }], forgottenTopicsData: [] };
    expect(sessions.update(session, more)).toBe("full");
    expect([session.isClosed, sessions.size, sessions.partitionCount]).toEqual([true, 0, 0]);
    open(8);
    await clock.advance(121_000);
    expect(open(3)).not.toBeNull();
    expect(sessions.partitionCount).toBe(3);
  });

  test("is what the metrics tell", () => {
    const { sessions, open } = newSessions({ slots: 1 });
    open(7);
    const metrics = new Metrics();
    addFetchSessionMetrics(metrics, sessions);
    const values = metrics.read().map(({ name, samples }) => [name, [...samples][0]?.value]);
    expect(values).toEqual([
      ["tidemark_fetch_sessions", 1],
      ["tidemark_fetch_session_partitions", 7],
      ["tidemark_fetch_session_evictions_total", 0],
    ]);
  });
});
