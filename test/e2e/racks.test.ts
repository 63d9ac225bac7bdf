import { writeFileSync } from "node:fs";
import path from "node:path";
import { Admin } from "@platformatic/kafka";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { type Consumer, Kafka, logLevel } from "kafkajs";
import type { BrokerId } from "../../broker/base/ids.ts";
import { controllerAdmin } from "../../operator/adapters/process/controller-client.ts";
import { controllerOf } from "../../operator/cli/running.ts";
import { until } from "../../operator/cli/stand-ins/site.ts";
import { linesOf, LiveSite } from "./live-site.ts";

jest.setTimeout(120_000);

const RESOURCES = `apiVersion: tidemark.dev/v1alpha1
kind: Cluster
metadata: {name: racks}
spec:
  replicas: 3
  config:
    replica.selector.class: org.apache.kafka.common.replica.RackAwareReplicaSelector
---
apiVersion: tidemark.dev/v1alpha1
kind: Topic
metadata: {name: orders}
spec: {clusterRef: {name: racks}, partitions: 1, replicationFactor: 3}
`;

const site = new LiveSite();
let kafka: Kafka;
const consumers: Consumer[] = [];

beforeAll(async () => {
  process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
  const file = path.join(site.folder, "racks.yaml");
  writeFileSync(file, RESOURCES);
  await site.started("-f", file);
  const brokers = site.clusterFile().brokers.map((broker) => broker.kafka);
  const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 };
  kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, requestTimeout: 5000, retry });
});

afterAll(async () => {
  await Promise.all(consumers.map((consumer) => consumer.disconnect()));
  await site.dispose();
});

/** Reads everything from the beginning on, as a consumer in `rack`; the values, as they come. */
async function reading(rack: string): Promise<string[]> {
  const values: string[] = [];
  const consumer = kafka.consumer({ groupId: `in-${rack}`, rackId: rack, maxWaitTimeInMs: 100 });
  consumers.push(consumer);
  await consumer.connect();
  await consumer.subscribe({ topic: "orders", fromBeginning: true });
  await consumer.run({
    eachMessage: async ({ message }) => void values.push(`${message.key}:${message.value}`),
  });
  return values;
}

/** Bytes of the topic that one broker has handed to consumers. */
async function bytesOut(broker: number): Promise<number> {
  const response = await fetch(`${site.clusterFile().brokers[broker]?.http}/metrics`);
  const found = /^tidemark_topic_bytes_out_total\{[^}]*topic="orders"[^}]*\} (\d+)/m.exec(await response.text());
  return Number(found?.[1] ?? 0);
}

/** The leader knows in which rack the follower is. */
async function knowsRack(leader: number, follower: number): Promise<boolean> {
  const address = site.clusterFile().brokers[leader]?.kafka ?? "";
  const admin = new Admin({ clientId: "racks", bootstrapBrokers: [address] });
  try {
    const { brokers } = await admin.metadata({ topics: [], forceUpdate: true });
    return brokers.get(follower)?.rack === "near";
  } finally {
    await admin.close();
  }
}

test("a real client reads from the follower in its rack, old records and new ones", async () => {
  const leader = await site.leaderOf("orders");
  const [near, other] = [0, 1, 2].filter((id) => id !== leader) as [number, number];
  const racks = [leader, other].map((id) => ({ broker: id as BrokerId, rack: "far" }));
  const request = { kind: "setRacks", racks: [...racks, { broker: near as BrokerId, rack: "near" }] } as const;
  expect(await controllerAdmin(controllerOf(site.folder), request)).toMatchObject({ kind: "setRacks", errorCode: 0 });
  await until(() => knowsRack(leader, near));
  await site.produce("orders", linesOf(500));
  const values = await reading("near");
  await until(() => values.length === 500);
  expect(values).toEqual(linesOf(500));
  expect([(await bytesOut(near)) > 0, await bytesOut(leader)]).toEqual([true, 0]);

  await site.produce("orders", linesOf(500, 500));
  await until(() => values.length === 1000);
  expect(await bytesOut(leader)).toBe(0);
});
