import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { type Consumer, Kafka, logLevel } from "kafkajs";
import { OFFSETS_TOPIC, partitionFor } from "../../broker/groups/coordinator.ts";
import { type Told, until } from "../../operator/cli/stand-ins/site.ts";
import { LiveSite } from "./live-site.ts";

jest.setTimeout(180_000);

const TOPIC = "orders";
const GROUP = "shop";
const PARTITIONS = 6;

/** What `groups show` prints as JSON. */
interface Shown {
  readonly state: string;
  readonly members: readonly { id: string }[];
  readonly partitions: readonly { topic: string; committed: string; end: string; lag: string; member: string }[];
}

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

  const groups = (...args: string[]): Promise<Told> => site.told("groups", ...args);
  const json = <T>(...args: string[]): Promise<T> => site.json<T>("groups", ...args);

  /**
   * The group once it is stable with as many members as there are: after its coordinator died a client may join once
   * more, whenever it notices, and its former self counts until its session ends.
   */
  const settled = async (): Promise<Shown> => {
    for (;;) {
      const shown = await json<Shown>("show", GROUP);
      if (shown.state === "Stable" && shown.members.length === consumers.length) return shown;
    }
  };

  test("is shown by the command, with its members and without lag", async () => {
    await until(async () => /^GROUP +STATE +TYPE\nshop +Stable +consumer\n$/.test((await groups("list")).out));
    const shown = await settled();
    expect(shown.members).toHaveLength(2);
    expect(shown.partitions).toHaveLength(PARTITIONS);
    for (const { topic, committed: at, end, lag, member } of shown.partitions) {
      expect({ topic, at, lag }).toEqual({ topic: TOPIC, at: end, lag: "0" });
      expect(shown.members.map(({ id }) => id)).toContain(member);
    }
  });

  test("keeps its offsets while it has members; then they can be reset, and it can be deleted", async () => {
    const refused = await groups("reset", GROUP, "--topic", TOPIC, "--to", "beginning");
    expect(refused).toEqual({ code: 1, out: "", err: "tidemark: group shop has members; stop its consumers first\n" });
    expect((await groups("delete", GROUP)).err).toBe("tidemark: group shop has members; stop its consumers first\n");
    await Promise.all(consumers.splice(0).map((consumer) => consumer.disconnect()));
    await until(async () => (await json<Shown>("show", GROUP)).members.length === 0);
    await json("reset", GROUP, "--topic", TOPIC, "--to", "beginning", "--dry-run");
    expect(await committed()).toBe(written);
    const changes = await json("reset", GROUP, "--topic", TOPIC, "--partition", "2", "--to", "-5");
    expect(changes).toEqual([
      { topic: TOPIC, partition: 2, before: `${written / PARTITIONS}`, after: `${written / PARTITIONS - 5}` },
    ]);
    expect(await committed()).toBe(written - 5);
    await json("reset", GROUP, "--topic", TOPIC, "--to", "2020-01-01");
    expect(await committed()).toBe(0);
    expect(await groups("delete", GROUP)).toEqual({ code: 0, out: "group shop is deleted\n", err: "" });
    expect((await groups("show", GROUP)).err).toMatch(/^tidemark: there is no group shop; /);
    expect((await groups("reset", GROUP, "--topic", "none", "--to", "end")).err).toBe(
      "tidemark: topic none does not exist; `tidemark topics list` lists them\n",
    );
  });
});
