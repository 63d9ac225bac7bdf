import { describe, expect, test } from "@jest/globals";
import { type LeaderEpoch, NO_TOPIC_ID, type Offset, type PartitionIndex } from "../base/ids.ts";
import { settle } from "../base/testing/fake-clock.ts";
import { TestBroker } from "../testing/test-broker.ts";
import type { TestClient } from "../testing/test-client.ts";
import { produce } from "../wire/apis/00-produce.ts";
import { fetch } from "../wire/apis/01-fetch.ts";
import { type CompressionName, compressionCodecs, compressionOf, withBody } from "../wire/record-batch.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";
import { recordsOf } from "../wire/record-batch-records.ts";

const NOW = 1_000_000;
const batchOf = (value: string, compression: CompressionName = "none"): Buffer =>
  buildBatch([{ key: null, value, timestamp: NOW }], { compression });

const requestOf = (batches: readonly Uint8Array[], acks: number) => ({
  transactionalId: null,
  acks,
  timeoutMs: 1000,
  topicData: [
    { name: "t", partitionData: batches.map((records, index) => ({ index: index as PartitionIndex, records })) },
  ],
});

async function send(client: TestClient, ...batches: Uint8Array[]) {
  const answer = await client.request(produce, 11, requestOf(batches, 1));
  return answer.responses[0]!.partitionResponses;
}

function setUp(config: Record<string, string>, partitions = 1) {
  const broker = new TestBroker();
  const replicas = broker.addTopic({ name: "t", id: 1, config, partitions });
  return { broker, client: broker.connect(), replicas, replica: replicas[0]! };
}

const textOf = (bytes: Uint8Array): string[] =>
  Array.from(recordsOf(bytes), ({ value }) => Buffer.from(value ?? []).toString());

const types = ["uncompressed", "gzip", "snappy", "lz4", "zstd"] as const;
const names = ["none", "gzip", "snappy", "lz4", "zstd"] as const;
const codecOf = (type: (typeof types)[number]): number => compressionCodecs[type === "uncompressed" ? "none" : type];

describe.each(types)("compression.type=%s", (type) => {
  test.each(names)("stores what came as %s by its own codec, and what has it byte for byte", async (name) => {
    const { client, replica } = setUp({ "compression.type": type });
    const value = "much the same ".repeat(200);
    const source = batchOf(value, name);
    expect(await send(client, source)).toMatchObject([{ errorCode: 0, baseOffset: 0 }]);
    const [stored] = replica.kept;
    expect([compressionOf(stored!.bytes, 0), textOf(stored!.bytes)]).toEqual([codecOf(type), [value]]);
    const isSame = Buffer.from(stored!.bytes.subarray(16)).equals(source.subarray(16));
    expect(isSame).toBe(compressionOf(source, 0) === codecOf(type));
  });
});

test("compression.type=producer stores every batch as it came", async () => {
  const { client, replica } = setUp({});
  for (const name of names) await send(client, batchOf("v".repeat(500), name));
  expect(replica.kept.map(({ bytes }) => compressionOf(bytes, 0))).toEqual([0, 1, 2, 3, 4]);
});

test("the brokers' compression.type counts where a topic has none, and levels are taken", async () => {
  const broker = new TestBroker({ config: { "compression.type": "gzip", "compression.gzip.level": "9" } });
  const [replica] = broker.addTopic({ name: "t", id: 1 });
  await send(broker.connect(), batchOf("v".repeat(500)));
  expect(compressionOf(replica!.kept[0]!.bytes, 0)).toBe(1);
  // Of gzip's header: how hard it tried; 2 = the most.
  expect(replica!.kept[0]!.bytes[61 + 8]).toBe(2);
});

test("requests of one connection keep their order, whatever is compressed anew", async () => {
  const { client, replica } = setUp({ "compression.type": "zstd" });
  const values = Array.from({ length: 20 }, (_, index) => `${index} `.repeat(index % 2 === 0 ? 20_000 : 1));
  const answers = values.map((value, index) => send(client, batchOf(value, index % 3 === 0 ? "zstd" : "none")));
  const offsets = (await Promise.all(answers)).map(([answer]) => answer?.baseOffset);
  expect(offsets).toEqual(values.map((_, index) => index));
  expect(replica.kept.flatMap(({ bytes }) => textOf(bytes))).toEqual(values);
});

test("acks=0 is compressed anew, too, also for a client that has gone", async () => {
  const { client, replica } = setUp({ "compression.type": "gzip" });
  client.tell(produce, 11, requestOf([batchOf("a")], 0));
  await settle();
  client.stream.destroy();
  while (replica.kept.length === 0) await new Promise<void>((resolve) => setImmediate(resolve));
  expect(compressionOf(replica.kept[0]!.bytes, 0)).toBe(1);
});

describe("nothing is appended", () => {
  test("of a batch that does not open, or holds something else than it says; others of the request are", async () => {
    const { client, replicas } = setUp({ "compression.type": "lz4" }, 3);
    const garbage = withBody(batchOf("x", "gzip"), 0, { body: Buffer.from("garbage") });
    const other = withBody(batchOf("x", "none"), 0, { body: Buffer.from("garbage") });
    const answers = await send(client, garbage, batchOf("good"), other);
    expect(answers.map(({ errorCode, baseOffset }) => [errorCode, baseOffset])).toEqual([
      [2, -1],
      [0, 0],
      [87, -1],
    ]);
    expect(answers[0]?.errorMessage).toBe("records that do not decompress");
    expect(replicas.map(({ kept }) => kept.length)).toEqual([0, 1, 0]);
  });

  test("of what is larger than max.message.bytes as it came, or as it would be stored", async () => {
    const limit = { "max.message.bytes": "1000" };
    const grows = setUp({ "compression.type": "uncompressed", ...limit });
    const small = batchOf("v".repeat(5000), "zstd");
    expect(small.length).toBeLessThan(200);
    expect(await send(grows.client, small)).toMatchObject([{ errorCode: 10, baseOffset: -1 }]);
    const shrinks = setUp({ "compression.type": "zstd", ...limit });
    expect(await send(shrinks.client, batchOf("v".repeat(5000)))).toMatchObject([{ errorCode: 10 }]);
    expect([grows.replica.kept.length, shrinks.replica.kept.length]).toEqual([0, 0]);
  });

  test("of what is larger than a segment once it is stored", async () => {
    const { client, replica } = setUp({ "compression.type": "uncompressed", "segment.bytes": "1024" });
    expect(await send(client, batchOf("v".repeat(5000), "zstd"))).toMatchObject([{ errorCode: 18 }]);
    expect(replica.kept.length).toBe(0);
  });

  test("when leadership went meanwhile", async () => {
    const { client, replica } = setUp({ "compression.type": "zstd" });
    const answer = send(client, batchOf("v".repeat(100_000)));
    replica.refusal = 6;
    expect(await answer).toMatchObject([{ errorCode: 6, baseOffset: -1 }]);
  });
});

test("clients that cannot read zstd are not given a topic that stores it", async () => {
  const { client, replica } = setUp({ "compression.type": "zstd" });
  await send(client, batchOf("v"));
  replica.commit();
  const ask = async (version: number) => {
    const partition = {
      partition: 0 as PartitionIndex,
      currentLeaderEpoch: -1 as LeaderEpoch,
      fetchOffset: 0 as Offset,
      partitionMaxBytes: 1000,
    };
    const answer = await client.request(fetch, version, {
      maxWaitMs: 0,
      minBytes: 1,
      topics: [{ topic: "t", topicId: NO_TOPIC_ID, partitions: [partition] }],
      forgottenTopicsData: [],
    });
    return answer.responses[0]?.partitions[0]?.errorCode;
  };
  expect([await ask(9), await ask(10)]).toEqual([76, 0]);
});
