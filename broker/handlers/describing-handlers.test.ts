import { describe, expect, test } from "@jest/globals";
import type { BrokerId, PartitionIndex } from "../base/ids.ts";
import { brokerConfigKeys, topicConfigKeys } from "../contract/config-keys.ts";
import { brokerRow, CLUSTER, TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { describeConfigs } from "../wire/apis/32-describe-configs.ts";
import { describeCluster } from "../wire/apis/60-describe-cluster.ts";
import { describeTopicPartitions } from "../wire/apis/75-describe-topic-partitions.ts";

describe("DescribeConfigs", () => {
  const ask = async (
    client: TestClient,
    resource: { type: number; name: string; keys?: string[] },
    options: { version?: number; synonyms?: boolean; documentation?: boolean } = {},
  ) => {
    const { results } = await client.request(describeConfigs, options.version ?? 4, {
      resources: [
        { resourceType: resource.type, resourceName: resource.name, configurationKeys: resource.keys ?? null },
      ],
      includeSynonyms: options.synonyms ?? false,
      includeDocumentation: options.documentation ?? false,
    });
    return results[0]!;
  };

  test.each([1, 4])("shows every key of a topic with its source (v%i)", async (version) => {
    const broker = new TestBroker({ config: { "log.segment.bytes": "2048" } });
    broker.addTopic({ name: "t", id: 1, config: { "retention.ms": "9" } });
    broker.apply({ brokerConfigs: [{ broker: "", config: { "message.max.bytes": "77" } }] });
    const { errorCode, configs } = await ask(broker.connect(), { type: 2, name: "t" }, { version });
    expect([errorCode, configs.length]).toEqual([0, topicConfigKeys.size]);
    const shown = new Map(configs.map(({ name, value, configSource }) => [name, [value, configSource]]));
    expect(shown.get("retention.ms")).toEqual(["9", 1]);
    expect(shown.get("max.message.bytes")).toEqual(["77", 3]);
    expect(shown.get("segment.bytes")).toEqual(["2048", 4]);
    expect(shown.get("flush.messages")).toEqual(["9223372036854775807", 5]);
    expect(configs.every(({ readOnly, isSensitive }) => !readOnly && !isSensitive)).toBe(true);
  });

  test("shows types, synonyms and documentation when asked, and only the keys asked for", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1, config: { "retention.ms": "9" } });
    const resource = { type: 2, name: "t", keys: ["retention.ms", "nope"] };
    const { configs } = await ask(broker.connect(), resource, { synonyms: true, documentation: true });
    expect(configs.length).toBe(1);
    expect(configs[0]?.configType).toBe(5);
    expect(configs[0]?.documentation).toContain("Age");
    expect(configs[0]?.synonyms).toEqual([
      { name: "retention.ms", value: "9", source: 1 },
      { name: "log.retention.hours", value: "168", source: 5 },
    ]);
  });

  test("shows every key of any broker, and of all brokers what was set for all", async () => {
    const broker = new TestBroker({ config: { "num.partitions": "6" } });
    broker.apply({ brokerConfigs: [{ broker: "2", config: { "max.connections": "5" } }] });
    broker.apply({ brokerConfigs: [{ broker: "", config: { "message.max.bytes": "77" } }] });
    const client = broker.connect();
    const { configs } = await ask(client, { type: 4, name: "2" });
    expect(configs.length).toBe(brokerConfigKeys.size);
    const shown = new Map(
      configs.map(({ name, value, configSource, readOnly }) => [name, [value, configSource, readOnly]]),
    );
    expect(shown.get("num.partitions")).toEqual(["6", 4, true]);
    expect(shown.get("max.connections")).toEqual(["5", 2, false]);
    const all = await ask(client, { type: 4, name: "" });
    expect(all.configs.map(({ name, value }) => [name, value])).toEqual([["message.max.bytes", "77"]]);
  });

  test.each([
    [2, "nope", 3],
    [2, "no/way", 17],
    [4, "9", 42],
    [4, "x", 42],
    [8, "1", 42],
  ])("of type %i and name %j answers error %i with a line", async (type, name, code) => {
    const { errorCode, errorMessage, configs } = await ask(new TestBroker().connect(), { type, name });
    expect([errorCode, configs]).toEqual([code, []]);
    expect(errorMessage?.length).toBeGreaterThan(10);
  });
});

describe("DescribeCluster", () => {
  const ask = (client: TestClient, version: number, options: { endpointType?: number; fenced?: boolean } = {}) =>
    client.request(describeCluster, version, {
      includeClusterAuthorizedOperations: true,
      endpointType: options.endpointType ?? 1,
      includeFencedBrokers: options.fenced ?? false,
    });

  test.each([0, 1, 2])("shows the brokers with a session (v%i)", async (version) => {
    const broker = new TestBroker();
    broker.apply({ brokers: [brokerRow(3, { isFenced: true })] });
    const answer = await ask(broker.connect(), version);
    expect([answer.errorCode, answer.clusterId, answer.controllerId]).toEqual([0, CLUSTER, 1]);
    expect(answer.brokers.map(({ brokerId, host, port }) => [brokerId, host, port])).toEqual([
      [1, "host-1", 9001],
      [2, "host-2", 9002],
    ]);
    expect(answer.clusterAuthorizedOperations).toBe(0b1_1111_1010_0000);
  });

  test("shows fenced brokers when asked", async () => {
    const broker = new TestBroker();
    broker.apply({ brokers: [brokerRow(3, { isFenced: true })] });
    const { brokers } = await ask(broker.connect(), 2, { fenced: true });
    expect(brokers.map(({ brokerId, isFenced }) => [brokerId, isFenced])).toEqual([
      [1, false],
      [2, false],
      [3, true],
    ]);
  });

  test("has no controllers to show", async () => {
    const client = new TestBroker().connect();
    expect((await ask(client, 1, { endpointType: 2 })).errorCode).toBe(114);
    expect((await ask(client, 1, { endpointType: 5 })).errorCode).toBe(115);
  });
});

describe("DescribeTopicPartitions", () => {
  const ask = (
    client: TestClient,
    names: readonly string[],
    options: { limit?: number; cursor?: { topicName: string; partitionIndex: PartitionIndex } | null } = {},
  ) =>
    client.request(describeTopicPartitions, 0, {
      topics: names.map((name) => ({ name })),
      responsePartitionLimit: options.limit ?? 2000,
      cursor: options.cursor ?? null,
    });

  test("shows the replicas that may lead though they left the ISR", async () => {
    const broker = new TestBroker();
    const row = { isr: [1], elr: [2], lost: [3] } as unknown as { isr: BrokerId[] };
    broker.addTopic({ name: "t", id: 1, row });
    const { topics, nextCursor } = await ask(broker.connect(), ["t"]);
    expect(nextCursor).toBeNull();
    expect(topics[0]).toMatchObject({ errorCode: 0, name: "t" });
    expect(topics[0]?.partitions).toMatchObject([
      { leaderId: 1, isrNodes: [1], eligibleLeaderReplicas: [2], lastKnownElr: [3], offlineReplicas: [] },
    ]);
  });

  test("goes page by page through all topics, every partition once", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "b", id: 2, partitions: 5 });
    broker.addTopic({ name: "a", id: 1, partitions: 4 });
    broker.addTopic({ name: "c", id: 3, partitions: 1 });
    const client = broker.connect();
    const seen: string[] = [];
    let cursor: { topicName: string; partitionIndex: PartitionIndex } | null = null;
    let pages = 0;
    do {
      const page: Awaited<ReturnType<typeof ask>> = await ask(client, [], { limit: 4, cursor });
      for (const { name, partitions } of page.topics) {
        expect(partitions.length).toBeGreaterThan(0);
        seen.push(...partitions.map(({ partitionIndex }) => `${name}${partitionIndex}`));
      }
      cursor = page.nextCursor;
      pages += 1;
    } while (cursor !== null);
    expect(pages).toBe(3);
    expect(seen).toEqual(["a0", "a1", "a2", "a3", "b0", "b1", "b2", "b3", "b4", "c0"]);
  });

  test("has an error for each topic that is not there", async () => {
    const broker = new TestBroker();
    broker.addTopic({ name: "t", id: 1 });
    const { topics } = await ask(broker.connect(), ["t", "no/way", "absent"]);
    expect(topics.map(({ name, errorCode }) => [name, errorCode])).toEqual([
      ["absent", 3],
      ["no/way", 17],
      ["t", 0],
    ]);
  });
});
