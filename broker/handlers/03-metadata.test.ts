import { describe, expect, test } from "@jest/globals";
import { NO_TOPIC_ID, type BrokerId, type TopicId } from "../base/ids.ts";
import { settle } from "../base/testing/fake-clock.ts";
import { brokerRow, CLUSTER, idOf, partitionRow, TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { metadata } from "../wire/apis/03-metadata.ts";

interface Asked {
  readonly name: string | null;
  readonly topicId?: TopicId;
}

const ask = (
  client: TestClient,
  topics: readonly Asked[] | null,
  options: { version?: number; creates?: boolean; operations?: boolean } = {},
) =>
  client.request(metadata, options.version ?? 13, {
    topics,
    allowAutoTopicCreation: options.creates ?? (options.version ?? 13) < 4,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: options.operations ?? false,
  });

/** Answers createTopics as a controller that creates what it is asked for, 2 partitions each. */
function creating(broker: TestBroker): void {
  broker.admin = async (request) => {
    if (request.kind !== "createTopics") throw new Error("only creations are expected");
    return {
      kind: "createTopics",
      topics: request.topics.map(({ name }, at) => {
        broker.addTopic({ name, id: 50 + at, partitions: 2 });
        const outcome = { errorCode: 0, errorMessage: null };
        return { name, topicId: idOf(50 + at), partitionCount: 2, replicationFactor: 3, config: {}, ...outcome };
      }),
    };
  };
}

describe("brokers", () => {
  test("are those with a session, under the client's listener; the one that is asked is the controller", async () => {
    const broker = new TestBroker();
    broker.apply({ brokers: [brokerRow(3, { isFenced: true }), brokerRow(4, { endpoints: [] })] });
    const answer = await ask(broker.connect(), []);
    expect(answer.brokers).toEqual([
      { nodeId: 1, host: "host-1", port: 9001, rack: null },
      { nodeId: 2, host: "host-2", port: 9002, rack: "r2" },
    ]);
    expect([answer.clusterId, answer.controllerId, answer.errorCode]).toEqual([CLUSTER, 1, 0]);
  });

  test("name another controller while the asked one is fenced", async () => {
    const broker = new TestBroker();
    broker.apply({ brokers: [brokerRow(1, { isFenced: true })] });
    expect((await ask(broker.connect(), [])).controllerId).toBe(2);
  });
});

describe("topics", () => {
  test.each([0, 1, 4, 5, 8, 9, 12, 13])("show their partitions in version %i", async (version) => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1, partitions: 2, leader: 2 });
    const { topics } = await ask(broker.connect(), [{ name: "t" }], { version });
    expect(topics).toMatchObject([{ errorCode: 0, name: "t", topicId: version < 10 ? NO_TOPIC_ID : idOf(1) }]);
    expect(topics[0]?.partitions.length).toBe(2);
    expect(topics[0]?.partitions[1]).toMatchObject({
      errorCode: 0,
      partitionIndex: 1,
      leaderId: 2,
      leaderEpoch: version < 7 ? -1 : 5,
      replicaNodes: [1, 2, 3],
      isrNodes: [1, 2, 3],
      offlineReplicas: [],
    });
  });

  test("asked for with null (in v0 with nothing) are all, with an empty list none", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "b", id: 2 });
    broker.addTopic({ name: "a", id: 1 });
    const client = broker.connect();
    const names = async (topics: null | [], version: number) =>
      (await ask(client, topics, { version })).topics.map(({ name }) => name);
    expect(await names(null, 13)).toEqual(["a", "b"]);
    expect(await names([], 0)).toEqual(["a", "b"]);
    expect(await names([], 1)).toEqual([]);
  });

  test("without a reachable leader are listed with LEADER_NOT_AVAILABLE", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "none", id: 1, leader: -1, row: { isr: [], elr: [2 as BrokerId] } });
    broker.addTopic({ name: "fenced", id: 2, leader: 3 });
    broker.apply({ brokers: [brokerRow(3, { isFenced: true })] });
    const { topics } = await ask(broker.connect(), null);
    for (const { partitions } of topics) {
      expect(partitions).toMatchObject([{ errorCode: 5, leaderId: -1, offlineReplicas: [3] }]);
    }
  });

  test("are found by id; an unknown id is UNKNOWN_TOPIC_ID", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    const { topics } = await ask(broker.connect(), [
      { name: null, topicId: idOf(1) },
      { name: null, topicId: idOf(9) },
    ]);
    expect(topics).toMatchObject([
      { errorCode: 0, name: "t", topicId: idOf(1) },
      { errorCode: 100, name: null, topicId: idOf(9) },
    ]);
  });

  test("show what may be done to them when asked", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    const client = broker.connect();
    expect((await ask(client, null)).topics[0]?.topicAuthorizedOperations).toBe(-0x8000_0000);
    expect((await ask(client, null, { operations: true })).topics[0]?.topicAuthorizedOperations).toBe(0b1101_1111_1000);
  });

  test("that were deleted and made again have the new id", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    broker.apply({ deletions: [{ topicId: idOf(1), name: "t", waitingFor: [] }] });
    broker.addTopic({ name: "t", id: 2 });
    const { topics } = await ask(broker.connect(), [{ name: "t" }]);
    expect(topics[0]?.topicId).toBe(idOf(2));
  });
});

describe("automatic creation", () => {
  test("creates an unknown topic and shows it at once", async () => {
    const broker = new TestBroker();
    creating(broker);
    const { topics } = await ask(broker.connect(), [{ name: "new" }], { creates: true });
    expect(topics).toMatchObject([{ errorCode: 0, name: "new", topicId: idOf(50) }]);
    expect(topics[0]?.partitions.length).toBe(2);
    expect(broker.asked).toMatchObject([{ topics: [{ name: "new", partitionCount: -1, replicationFactor: -1 }] }]);
  });

  test("is not done when the request or the configuration says no, for all topics, or for known ones", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    const client = broker.connect();
    expect((await ask(client, [{ name: "new" }])).topics[0]?.errorCode).toBe(3);
    await ask(client, null, { creates: true });
    await ask(client, [], { creates: true });
    await ask(client, [{ name: "t" }], { creates: true });
    const strict = new TestBroker({ config: { "auto.create.topics.enable": "false" } });
    expect((await ask(strict.connect(), [{ name: "new" }], { creates: true })).topics[0]?.errorCode).toBe(3);
    expect([broker.asked, strict.asked]).toEqual([[], []]);
  });

  test("refuses invalid names without asking the controller", async () => {
    const broker = new TestBroker();
    const { topics } = await ask(broker.connect(), [{ name: "no/way" }, { name: ".." }], { creates: true });
    expect(topics.map(({ errorCode }) => errorCode)).toEqual([17, 17]);
    expect(broker.asked).toEqual([]);
  });

  test("asks the controller once for a crowd, and tells it to ask again while nobody answers", async () => {
    const broker = new TestBroker();
    broker.admin = () => new Promise(() => {});
    const answers = [1, 2, 3].map(() => ask(broker.connect(), [{ name: "new" }], { creates: true }));
    await settle();
    expect(broker.asked.length).toBe(1);
    await broker.clock.advance(1500);
    for (const { topics } of await Promise.all(answers)) expect(topics[0]?.errorCode).toBe(5);
  });

  test("passes on why the controller refused, and takes a topic that was there already", async () => {
    const broker = new TestBroker();
    const outcome = (name: string, errorCode: number) => {
      const rest = { topicId: NO_TOPIC_ID, partitionCount: 0, replicationFactor: 0, config: {}, errorMessage: "x" };
      return { name, errorCode, ...rest };
    };
    broker.admin = async () => {
      broker.addTopic({ name: "there", id: 3 });
      return { kind: "createTopics", topics: [outcome("there", 36), outcome("many", 38)] };
    };
    const { topics } = await ask(broker.connect(), [{ name: "there" }, { name: "many" }], { creates: true });
    expect(topics.map(({ errorCode }) => errorCode)).toEqual([0, 38]);
  });
});

test("a partition row that moves is seen by the next request", async () => {
  const broker = new TestBroker();
  broker.addTopic({ name: "t", id: 1 });
  const client = broker.connect();
  const moved = { ...partitionRow({ name: "t", id: 1, leader: 2 }, 0), partitionEpoch: 8 as never };
  broker.apply({ partitions: [moved] });
  expect((await ask(client, null)).topics[0]?.partitions[0]?.leaderId).toBe(2);
});
