import { describe, expect, test } from "@jest/globals";
import { type BrokerId, NO_TOPIC_ID, type PartitionIndex } from "../base/ids.ts";
import { settle } from "../base/testing/fake-clock.ts";
import type { AdminRequest, AdminResponse } from "../contract/control.ts";
import { idOf, partitionRow, TestBroker } from "../testing/test-broker.ts";
import { createTopics } from "../wire/apis/19-create-topics.ts";
import { deleteTopics } from "../wire/apis/20-delete-topics.ts";
import { initProducerId } from "../wire/apis/22-init-producer-id.ts";
import { alterConfigs } from "../wire/apis/33-alter-configs.ts";
import { createPartitions } from "../wire/apis/37-create-partitions.ts";
import { electLeaders } from "../wire/apis/43-elect-leaders.ts";
import { incrementalAlterConfigs } from "../wire/apis/44-incremental-alter-configs.ts";
import { listConfigResources } from "../wire/apis/74-list-config-resources.ts";

const OK = { errorCode: 0, errorMessage: null };

/** The requests of one kind that reached the controller. */
const askedOf = <K extends AdminRequest["kind"]>(broker: TestBroker, kind: K): Extract<AdminRequest, { kind: K }>[] =>
  broker.asked.filter((request): request is Extract<AdminRequest, { kind: K }> => request.kind === kind);

describe("CreateTopics", () => {
  const draft = { numPartitions: 2, replicationFactor: 3, assignments: [], configs: [] };
  const create = (request: AdminRequest & { kind: "createTopics" }): AdminResponse => ({
    kind: "createTopics",
    topics: request.topics.map(({ name, config }, at) => {
      return { ...OK, name, topicId: idOf(70 + at), partitionCount: 2, replicationFactor: 3, config };
    }),
  });

  test.each([2, 5, 7])("passes topics on and answers what became of them (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.admin = async (request) => {
      broker.addTopic({ name: "t", id: 70, partitions: 2 });
      return create(request as never);
    };
    const configs = [{ name: "retention.ms", value: "5000" }];
    const topics = [{ ...draft, name: "t", configs }];
    const answer = await broker
      .connect()
      .request(createTopics, version, { topics, timeoutMs: 5000, validateOnly: false });
    expect(answer.topics).toMatchObject([{ name: "t", errorCode: 0, topicId: version < 7 ? NO_TOPIC_ID : idOf(70) }]);
    expect(askedOf(broker, "createTopics")).toEqual([
      {
        kind: "createTopics",
        validateOnly: false,
        topics: [
          { name: "t", partitionCount: 2, replicationFactor: 3, assignments: null, config: { "retention.ms": "5000" } },
        ],
      },
    ]);
    if (version < 5) return;
    expect(answer.topics[0]).toMatchObject({ numPartitions: 2, replicationFactor: 3 });
    const shown = answer.topics[0]?.configs?.find(({ name }) => name === "retention.ms");
    expect(shown).toMatchObject({ value: "5000", configSource: 1 });
  });

  test("is answered when this broker's metadata has the topic, or a second later", async () => {
    const broker = new TestBroker();
    broker.admin = async (request) => create(request as never);
    const client = broker.connect();
    const topics = [{ ...draft, name: "t" }];
    const answer = client.request(createTopics, 7, { topics, timeoutMs: 5000, validateOnly: false });
    await broker.clock.advance(100);
    expect(client.openCount).toBe(1);
    broker.addTopic({ name: "t", id: 70 });
    await broker.clock.advance(10);
    expect((await answer).topics[0]?.errorCode).toBe(0);
    const late = client.request(createTopics, 7, { topics: [{ ...draft, name: "u" }, ...topics], validateOnly: false });
    await broker.clock.advance(1100);
    expect((await late).topics.map(({ errorCode }) => errorCode)).toEqual([0, 0]);
  });

  test("refuses by itself what the controller need not see, with one result for each name", async () => {
    const broker = new TestBroker();
    broker.admin = async (request) => create(request as never);
    const place = (partitionIndex: number, ...brokers: number[]) => ({
      partitionIndex: partitionIndex as PartitionIndex,
      brokerIds: brokers as BrokerId[],
    });
    const placed = { numPartitions: -1, replicationFactor: -1, configs: [] };
    const topics = [
      { ...draft, name: "good" },
      { ...draft, name: "bad/name" },
      { ...draft, name: "twice" },
      { ...draft, name: "twice" },
      { ...draft, name: "no-value", configs: [{ name: "retention.ms", value: null }] },
      { ...draft, name: "both", assignments: [place(0, 1)] },
      { ...placed, name: "gap", assignments: [place(1, 1)] },
      { ...placed, name: "placed", assignments: [place(1, 2), place(0, 1)] },
    ];
    const { topics: answers } = await broker.connect().request(createTopics, 7, { topics, validateOnly: true });
    expect(answers.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["good", 0],
      ["bad/name", 17],
      ["twice", 42],
      ["no-value", 40],
      ["both", 42],
      ["gap", 39],
      ["placed", 0],
    ]);
    for (const { errorCode, errorMessage } of answers) expect(errorMessage === null).toBe(errorCode === 0);
    const [asked] = askedOf(broker, "createTopics");
    expect(asked?.validateOnly).toBe(true);
    expect(asked?.topics.map(({ name, assignments }) => [name, assignments])).toEqual([
      ["good", null],
      ["placed", [[1], [2]]],
    ]);
  });

  test("passes on each of the controller's errors, and REQUEST_TIMED_OUT when it is silent", async () => {
    const broker = new TestBroker();
    const client = broker.connect();
    const request = { topics: [{ ...draft, name: "t" }], timeoutMs: 300, validateOnly: false };
    expect((await client.request(createTopics, 7, request)).topics).toMatchObject([{ errorCode: 41 }]);
    broker.admin = async () => {
      const refused = { errorCode: 38, errorMessage: "too few brokers" };
      const topic = {
        name: "t",
        topicId: NO_TOPIC_ID,
        partitionCount: 0,
        replicationFactor: 0,
        config: {},
        ...refused,
      };
      return { kind: "createTopics", topics: [topic] };
    };
    const refused = await client.request(createTopics, 7, request);
    expect(refused.topics).toMatchObject([{ errorCode: 38, errorMessage: "too few brokers" }]);
    broker.admin = () => new Promise(() => {});
    const silent = client.request(createTopics, 7, request);
    await broker.clock.advance(400);
    expect((await silent).topics).toMatchObject([{ errorCode: 7 }]);
  });
});

describe("DeleteTopics", () => {
  test.each([1, 5])("deletes by name (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    broker.admin = async () => {
      broker.apply({ deletions: [{ topicId: idOf(1), name: "t", waitingFor: [] }] });
      return { kind: "deleteTopics", topics: [{ ...OK, name: "t", topicId: idOf(1) }] };
    };
    const answer = await broker
      .connect()
      .request(deleteTopics, version, { topicNames: ["t"], topics: [], timeoutMs: 100 });
    expect(answer.responses).toMatchObject([{ name: "t", errorCode: 0 }]);
    expect(askedOf(broker, "deleteTopics")[0]?.topics).toEqual([{ name: "t", topicId: null }]);
  });

  test("deletes by name or by id from v6 on, one result for each", async () => {
    const broker = new TestBroker();
    broker.admin = async () => ({
      kind: "deleteTopics",
      topics: [
        { ...OK, name: "t", topicId: idOf(1) },
        { errorCode: 100, errorMessage: "no such topic", name: null, topicId: idOf(9) },
      ],
    });
    const topics = [
      { name: "t", topicId: NO_TOPIC_ID },
      { name: null, topicId: idOf(9) },
      { name: null, topicId: NO_TOPIC_ID },
      { name: "both", topicId: idOf(3) },
      { name: "twice", topicId: NO_TOPIC_ID },
      { name: "twice", topicId: NO_TOPIC_ID },
    ];
    const { responses } = await broker.connect().request(deleteTopics, 6, { topics, timeoutMs: 100 });
    expect(responses.map(({ name, topicId, errorCode }) => [name, topicId, errorCode])).toEqual([
      ["t", idOf(1), 0],
      [null, idOf(9), 100],
      [null, NO_TOPIC_ID, 42],
      ["both", idOf(3), 42],
      ["twice", NO_TOPIC_ID, 42],
    ]);
    expect(askedOf(broker, "deleteTopics")[0]?.topics.length).toBe(2);
  });

  test("names every topic in the answer when the controller cannot be asked", async () => {
    const broker = new TestBroker();
    const request = { topicNames: ["a", "b"], topics: [], timeoutMs: 100 };
    const { responses } = await broker.connect().request(deleteTopics, 5, request);
    expect(responses.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["a", 41],
      ["b", 41],
    ]);
  });
});

describe("CreatePartitions", () => {
  test.each([0, 3])("passes the wish on and waits until this broker sees it (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    broker.admin = async () => ({ kind: "createPartitions", topics: [{ ...OK, name: "t" }] });
    const client = broker.connect();
    const topics = [{ name: "t", count: 2, assignments: [{ brokerIds: [2, 3] as BrokerId[] }] }];
    const answer = client.request(createPartitions, version, { topics, timeoutMs: 1000, validateOnly: false });
    await broker.clock.advance(50);
    expect(client.openCount).toBe(1);
    broker.apply({ partitions: [partitionRow({ name: "t", id: 1 }, 1)] });
    await broker.clock.advance(10);
    expect((await answer).results).toEqual([{ name: "t", errorCode: 0, errorMessage: null }]);
    expect(askedOf(broker, "createPartitions")[0]?.topics).toEqual([
      { name: "t", totalCount: 2, assignments: [[2, 3]] },
    ]);
  });

  test("refuses a topic named twice, and passes errors on", async () => {
    const broker = new TestBroker();
    broker.admin = async () => ({
      kind: "createPartitions",
      topics: [{ name: "t", errorCode: 37, errorMessage: "partitions never shrink" }],
    });
    const topics = ["t", "u", "u"].map((name) => ({ name, count: 1, assignments: null }));
    const request = { topics, timeoutMs: 100, validateOnly: true };
    const { results } = await broker.connect().request(createPartitions, 3, request);
    expect(new Map(results.map(({ name, errorCode }) => [name, errorCode]))).toEqual(
      new Map([
        ["t", 37],
        ["u", 42],
      ]),
    );
  });
});

describe("ElectLeaders", () => {
  const topicPartitions = [{ topic: "t", partitions: [0, 1] as PartitionIndex[] }];

  test.each([0, 1, 2])("answers each partition asked for (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.admin = async () => ({
      kind: "electLeaders",
      partitions: [
        { ...OK, topic: "t", partition: 0 },
        { topic: "t", partition: 1, errorCode: 84, errorMessage: "it leads already" },
      ],
    });
    const request = { electionType: 0, topicPartitions, timeoutMs: 100 };
    const answer = await broker.connect().request(electLeaders, version, request);
    expect(answer.replicaElectionResults).toMatchObject([
      {
        topic: "t",
        partitionResult: [
          { partitionId: 0, errorCode: 0 },
          { partitionId: 1, errorCode: 84 },
        ],
      },
    ]);
  });

  test("asked for all, leaves out those that needed none, and can be unclean", async () => {
    const broker = new TestBroker();
    broker.admin = async () => ({
      kind: "electLeaders",
      partitions: [
        { ...OK, topic: "t", partition: 0 },
        { topic: "t", partition: 1, errorCode: 84, errorMessage: null },
      ],
    });
    const request = { electionType: 1, topicPartitions: null, timeoutMs: 100 };
    const answer = await broker.connect().request(electLeaders, 2, request);
    expect(answer.replicaElectionResults[0]?.partitionResult.map(({ partitionId }) => partitionId)).toEqual([0]);
    expect(askedOf(broker, "electLeaders")[0]).toMatchObject({ election: "unclean", partitions: null });
  });

  test("says what is wrong in every version when nothing can be decided", async () => {
    const client = new TestBroker().connect();
    const request = { electionType: 0, topicPartitions, timeoutMs: 100 };
    for (const version of [0, 1, 2]) {
      const answer = await client.request(electLeaders, version, request);
      expect(answer.errorCode).toBe(version === 0 ? 0 : 41);
      expect(answer.replicaElectionResults[0]?.partitionResult.map(({ errorCode }) => errorCode)).toEqual([41, 41]);
    }
    expect((await client.request(electLeaders, 2, { ...request, electionType: 7 })).errorCode).toBe(42);
  });
});

describe("IncrementalAlterConfigs", () => {
  const set = (name: string, value: string | null, configOperation = 0) => ({ name, value, configOperation });

  test.each([0, 1])("passes changes on, resource by resource (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.admin = async () => ({
      kind: "alterConfigs",
      resources: [
        { kind: "topic", name: "1", ...OK },
        { kind: "broker", name: "1", errorCode: 40, errorMessage: "unknown broker config x" },
      ],
    });
    const resources = [
      { resourceType: 2, resourceName: "1", configs: [set("retention.ms", "1"), set("segment.ms", null, 1)] },
      { resourceType: 4, resourceName: "1", configs: [set("x", "1", 2)] },
      { resourceType: 8, resourceName: "1", configs: [] },
      { resourceType: 2, resourceName: "no-value", configs: [set("retention.ms", null)] },
      { resourceType: 2, resourceName: "no-operation", configs: [set("retention.ms", "1", 9)] },
    ];
    const answer = await broker.connect().request(incrementalAlterConfigs, version, { resources, validateOnly: false });
    expect(answer.responses.map((one) => [one.resourceType, one.resourceName, one.errorCode])).toEqual([
      [2, "1", 0],
      [4, "1", 40],
      [8, "1", 42],
      [2, "no-value", 42],
      [2, "no-operation", 42],
    ]);
    expect(askedOf(broker, "alterConfigs")[0]?.resources).toEqual([
      {
        kind: "topic",
        name: "1",
        changes: [
          { key: "retention.ms", operation: "set", value: "1" },
          { key: "segment.ms", operation: "delete", value: null },
        ],
      },
      { kind: "broker", name: "1", changes: [{ key: "x", operation: "append", value: "1" }] },
    ]);
  });

  test("refuses a resource named twice, and names each one when the controller cannot be asked", async () => {
    const broker = new TestBroker();
    const resources = ["a", "b", "b"].map((resourceName) => ({ resourceType: 2, resourceName, configs: [] }));
    const { responses } = await broker.connect().request(incrementalAlterConfigs, 1, { resources, validateOnly: true });
    expect(responses.map(({ resourceName, errorCode }) => [resourceName, errorCode])).toEqual([
      ["a", 41],
      ["b", 42],
    ]);
  });
});

describe("AlterConfigs", () => {
  test.each([0, 1, 2])("replaces all that a resource has (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.admin = async () => ({ kind: "alterConfigs", resources: [{ kind: "topic", name: "t", ...OK }] });
    const configs = [{ name: "retention.ms", value: "1" }];
    const resources = [
      { resourceType: 2, resourceName: "t", configs },
      { resourceType: 2, resourceName: "no-value", configs: [{ name: "segment.ms", value: null }] },
      { resourceType: 32, resourceName: "g", configs: [] },
    ];
    const { responses } = await broker.connect().request(alterConfigs, version, { resources, validateOnly: true });
    expect(responses.map(({ resourceName, errorCode }) => [resourceName, errorCode])).toEqual([
      ["t", 0],
      ["no-value", 42],
      ["g", 42],
    ]);
    const changes = [{ key: "retention.ms", operation: "set", value: "1" }];
    expect(askedOf(broker, "alterConfigs")).toEqual([
      { kind: "alterConfigs", resources: [{ kind: "topic", name: "t", changes, replaces: true }], validateOnly: true },
    ]);
  });
});

describe("ListConfigResources", () => {
  const list = async (version: number, resourceTypes: number[]) => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    const answer = await broker.connect().request(listConfigResources, version, { resourceTypes });
    return { ...answer, names: answer.configResources.map((one) => `${one.resourceType} ${one.resourceName}`) };
  };

  test("names topics and brokers, and nothing of what has no configuration", async () => {
    const all = await list(1, []);
    expect(all.errorCode).toBe(0);
    expect(all.names).toContain("2 t");
    expect(all.names).toContain("4 1");
    expect((await list(1, [2])).names).toEqual(["2 t"]);
    expect((await list(1, [16, 32])).names).toEqual([]);
    expect((await list(0, [])).names).toEqual([]);
  });

  test("refuses a type that does not exist", async () => {
    expect(await list(1, [2, 3])).toMatchObject({ errorCode: 35, configResources: [] });
  });
});

describe("InitProducerId", () => {
  const request = { transactionalId: null, transactionTimeoutMs: 60_000 };

  test("hands out ids that no other request gets, asking the controller once for a block", async () => {
    const broker = new TestBroker();
    let first = 4000;
    broker.admin = async () => {
      first += 1000;
      return { kind: "allocateProducerIds", first, count: 2 };
    };
    const clients = [0, 1, 2, 3, 4].map(() => broker.connect());
    const answers = await Promise.all(clients.map((client, at) => client.request(initProducerId, at % 6, request)));
    expect(answers.map(({ producerId }) => producerId)).toEqual([5000, 5001, 6000, 6001, 7000]);
    expect(answers.every(({ errorCode, producerEpoch }) => errorCode === 0 && producerEpoch === 0)).toBe(true);
    expect(broker.asked.length).toBe(3);
  });

  test("asks to try again while no controller answers, and then works", async () => {
    const broker = new TestBroker();
    const client = broker.connect();
    expect(await client.request(initProducerId, 5, request)).toMatchObject({ errorCode: 14, producerId: -1 });
    broker.admin = async () => ({ kind: "allocateProducerIds", first: 7, count: 1 });
    expect(await client.request(initProducerId, 0, request)).toMatchObject({ errorCode: 0, producerId: 7 });
  });

  test("refuses transactional ids, and gives a producer that lost its state a fresh id", async () => {
    const broker = new TestBroker();
    broker.admin = async () => ({ kind: "allocateProducerIds", first: 7, count: 9 });
    const client = broker.connect();
    const transactional = await client.request(initProducerId, 5, { ...request, transactionalId: "tx" });
    expect(transactional).toMatchObject({ errorCode: 48, producerId: -1 });
    const again = await client.request(initProducerId, 3, { ...request, producerId: 3, producerEpoch: 4 });
    expect(again).toMatchObject({ errorCode: 0, producerId: 7, producerEpoch: 0 });
    await settle();
  });
});
