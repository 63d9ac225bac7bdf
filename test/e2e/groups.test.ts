import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Consumer, Kafka, logLevel } from "kafkajs";
import { OFFSETS_TOPIC, partitionFor } from "../../broker/groups/coordinator.ts";
import { until } from "../../operator/cli/stand-ins/site.ts";
import { LiveSite } from "./live-site.ts";

jest.setTimeout(180_000);

const TOPIC = "orders";
const GROUP = "shop";
const PARTITIONS = 6;

/** Records that members of a group were given, and who had each partition last. */
class Seen {
  readonly #places = new Set<string>();
  readonly owners = new Map<number, string>();

  add(partition: number, offset: string, owner: string): void {
    this.#places.add(`${partition}/${offset}`);
    this.owners.set(partition, owner);
  }

  get records(): number {
    return this.#places.size;
  }
}

describe("a consumer group of a real client", () => {
  const site = new LiveSite();
  const seen = new Seen();
  const consumers: Consumer[] = [];
  let kafka: Kafka;
  let written = 0;

  const write = async (count: number): Promise<void> => {
    const producer = kafka.producer();
    await producer.connect();
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const messages = Array.from({ length: count }, (_, n) => ({ partition, value: `order ${n}` }));
      await producer.send({ topic: TOPIC, acks: -1, messages });
    }
    await producer.disconnect();
    written += count * PARTITIONS;
  };

  /** A member that commits what it was given four times a second. */
  const join = async (name: string): Promise<void> => {
    const consumer = kafka.consumer({ groupId: GROUP, sessionTimeout: 10_000, heartbeatInterval: 250 });
    await consumer.connect();
    await consumer.subscribe({ topic: TOPIC, fromBeginning: true });
    await consumer.run({
      autoCommitInterval: 250,
      eachMessage: async ({ partition, message }) => seen.add(partition, message.offset, name),
    });
    consumers.push(consumer);
  };

  const committed = async (): Promise<number> => {
    const admin = kafka.admin();
    await admin.connect();
    const [topic] = await admin.fetchOffsets({ groupId: GROUP, topics: [TOPIC] });
    await admin.disconnect();
    return (topic?.partitions ?? []).reduce((sum, { offset }) => sum + Math.max(0, Number(offset)), 0);
  };

  beforeAll(async () => {
    process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
    await site.started("--brokers", "3");
    const brokers = site.clusterFile().brokers.map((broker) => broker.kafka);
    const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: 100 };
    kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, requestTimeout: 5000, retry });
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: TOPIC, numPartitions: PARTITIONS, replicationFactor: 3 }] });
    await admin.disconnect();
  });

  afterAll(async () => {
    await Promise.all(consumers.map((consumer) => consumer.disconnect()));
    await site.dispose();
  });

  test("shares the partitions among its members, and every record is given to some of them", async () => {
    await join("a");
    await write(50);
    await until(async () => seen.records === written);
    await join("b");
    await until(async () => {
      await write(1);
      return new Set(seen.owners.values()).size === 2;
    });
    await until(async () => seen.records === written);
    expect(new Set(seen.owners.keys()).size).toBe(PARTITIONS);
  });

  test("goes on after its coordinator was killed: no commit is lost, no record skipped", async () => {
    await until(async () => (await committed()) === written);
    const coordinator = await site.leaderOf(OFFSETS_TOPIC, partitionFor(GROUP, 50));
    site.killBroker(coordinator);
    expect(await committed()).toBe(written);
    await write(50);
    await until(async () => seen.records === written);
    await until(async () => (await committed()) === written);
  });
});
