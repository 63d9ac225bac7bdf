import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { Kafka, logLevel, type Producer } from "kafkajs";
import { until } from "../../operator/cli/stand-ins/site.ts";
import { LiveSite } from "./live-site.ts";

jest.setTimeout(180_000);

const TOPIC = "customers";
const KEYS = 7;
const ROUNDS = 60;

interface Seen {
  readonly offset: number;
  readonly key: string;
  readonly value: string;
}

describe("a compacted topic of a real cluster", () => {
  const site = new LiveSite();
  let kafka: Kafka;
  let producer: Producer;
  let running: Awaited<ReturnType<LiveSite["started"]>>;

  /** The offset up to which a broker's cleaner checkpoint says that the topic is compacted. */
  const cleanedBy = (broker: number): number => {
    const file = path.join(site.folder, `broker-${broker}`, "cleaner-offset-checkpoint");
    if (!existsSync(file)) return 0;
    return Number(new RegExp(`^${TOPIC} 0 (\\d+)$`, "m").exec(readFileSync(file, "utf8"))?.[1] ?? 0);
  };

  const connect = async (): Promise<void> => {
    const brokers = site.clusterFile().brokers.map((broker) => broker.kafka);
    const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 };
    kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, requestTimeout: 5000, retry });
    producer = kafka.producer({ allowAutoTopicCreation: false });
    await producer.connect();
  };

  const write = async (key: string, value: string | null): Promise<number> => {
    const [written] = await producer.send({ topic: TOPIC, acks: -1, messages: [{ key, value }] });
    return Number(written?.baseOffset);
  };

  /** All that a consumer is given from the beginning up to offset `last`. */
  const readAll = async (last: number): Promise<Seen[]> => {
    const seen: Seen[] = [];
    const consumer = kafka.consumer({ groupId: `reader-${last}`, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message: { offset, key, value } }) => {
        seen.push({ offset: Number(offset), key: String(key), value: value === null ? "" : String(value) });
      },
    });
    await until(async () => seen.at(-1)?.offset === last);
    await consumer.disconnect();
    return seen;
  };

  beforeAll(async () => {
    process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
    running = await site.started("--brokers", "3");
    const set = site.run(["configs", "set", "--broker", "all", "log.cleaner.backoff.ms=100", "--data", site.folder]);
    expect({ code: await set.exit(), err: set.err }).toEqual({ code: 0, err: "" });
    await connect();
    const admin = kafka.admin();
    await admin.connect();
    const config = { "cleanup.policy": "compact", "segment.bytes": "2048", "min.cleanable.dirty.ratio": "0.01" };
    const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: 1, replicationFactor: 3, configEntries }] });
    await admin.disconnect();
  });

  afterAll(async () => {
    await producer?.disconnect();
    await site.dispose();
  });

  test("takes no record without a key", async () => {
    const sending = producer.send({ topic: TOPIC, acks: -1, messages: [{ value: "whose?" }] });
    await expect(sending).rejects.toMatchObject({ type: "INVALID_RECORD" });
  });

  test("keeps of each key the newest record, where it was, for a client that never was told of gaps", async () => {
    for (let round = 0; round < ROUNDS; round++) {
      for (let key = 0; key < KEYS; key++) await write(`key-${key}`, `${round}`);
    }
    const last = await write("last", "one");
    expect(last).toBe(ROUNDS * KEYS);
    await until(async () => [0, 1, 2].every((broker) => cleanedBy(broker) > (ROUNDS - 10) * KEYS));
    // What a leader has in memory it may still give; after a restart all comes from disk.
    await producer.disconnect();
    expect(await site.stop(running)).toBe(0);
    running = await site.started("--brokers", "3");
    await connect();
    const seen = await readAll(last);
    expect(seen.length).toBeLessThan(12 * KEYS);
    expect(seen[0]?.offset).toBeGreaterThan((ROUNDS - 12) * KEYS);
    for (const { offset, key, value } of seen.slice(0, -1)) {
      expect({ key, value }).toEqual({ key: `key-${offset % KEYS}`, value: `${Math.floor(offset / KEYS)}` });
    }
    const newest = new Map(seen.map(({ key, value }) => [key, value]));
    for (let key = 0; key < KEYS; key++) expect(newest.get(`key-${key}`)).toBe(`${ROUNDS - 1}`);
  });

  test("says on its metrics page what was done", async () => {
    const text = await (await fetch(`${site.clusterFile().brokers[0]?.http}/metrics`)).text();
    expect(text).toMatch(/^tidemark_cleaner_uncleanable_partitions 0$/m);
    expect(text).toMatch(/^tidemark_cleaner_failures_total 0$/m);
  });
});
