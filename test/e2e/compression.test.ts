import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { CompressionTypes, Kafka, logLevel, type Producer } from "kafkajs";
import {
  batchPositions,
  compressionCodecs,
  compressionOf,
  hasLogAppendTime,
  hasValidCrc,
} from "../../broker/wire/record-batch.ts";
import { LiveSite } from "./live-site.ts";

jest.setTimeout(120_000);

const TYPES = ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"] as const;
const topic = (type: string): string => `---
apiVersion: tidemark.dev/v1alpha1
kind: Topic
metadata: {name: as-${type}}
spec:
  clusterRef: {name: one}
  partitions: 1
  replicationFactor: 1
  config: {compression.type: ${type}, message.timestamp.type: LogAppendTime}
`;
const RESOURCES = `apiVersion: tidemark.dev/v1alpha1
kind: Cluster
metadata: {name: one}
spec: {replicas: 1}
${TYPES.map(topic).join("")}`;

const site = new LiveSite();
let producer: Producer;

beforeAll(async () => {
  process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
  const file = path.join(site.folder, "one.yaml");
  writeFileSync(file, RESOURCES);
  await site.started("-f", file);
  const brokers = site.clusterFile().brokers.map((broker) => broker.kafka);
  producer = new Kafka({ brokers, logLevel: logLevel.NOTHING }).producer({ idempotent: true });
  await producer.connect();
});

afterAll(async () => {
  await producer.disconnect();
  await site.dispose();
});

/** Codecs of a topic's batches on disk, in order; each is sound, and has the time of its append. */
function stored(name: string): number[] {
  const folder = path.join(site.folder, "broker-0", `${name}-0`);
  const files = readdirSync(folder).filter((file) => file.endsWith(".log"));
  return files.flatMap((file) => {
    const bytes = readFileSync(path.join(folder, file));
    return Array.from(batchPositions(bytes), (at) => {
      expect([hasValidCrc(bytes, at), hasLogAppendTime(bytes, at)]).toEqual([true, true]);
      return compressionOf(bytes, at);
    });
  });
}

test.each(TYPES)("a real client writes to a topic of compression.type=%s, and another reads it", async (type) => {
  const lines = Array.from({ length: 300 }, (_, n) => `key:${"much the same, ".repeat(n % 40)}${n}`);
  for (const [index, compression] of [CompressionTypes.None, CompressionTypes.GZIP].entries()) {
    const messages = lines.slice(index * 150, index * 150 + 150).map((line) => ({ key: "key", value: line.slice(4) }));
    await producer.send({ topic: `as-${type}`, acks: -1, compression, messages });
  }
  expect(await site.consume(`as-${type}`)).toEqual(lines);
  const codec = compressionCodecs[type === "producer" || type === "uncompressed" ? "none" : type];
  expect(stored(`as-${type}`)).toEqual(type === "producer" ? [0, 1] : [codec, codec]);
});
