import type { TidemarkError } from "#base/errors.ts";
import { AdminClient, EARLIEST, LATEST, noSuchTopic } from "./admin-client.ts";
import type { ClientOptions } from "./broker-access.ts";
import { assignments } from "./assignments.ts";
import { endWithReader } from "./exit.ts";
import { keyOf } from "./places.ts";
import { idCell, type Output, print } from "./table.ts";
import { topicState } from "./topic-state.ts";

interface TopicOptions extends ClientOptions {
  readonly output: Output;
}

export interface CreateOptions extends TopicOptions {
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config: readonly string[];
}

/** `tidemark topics list`: every topic, with how many partitions and replicas it has and what is missing. */
export async function listTopics(options: TopicOptions): Promise<void> {
  endWithReader();
  await AdminClient.with(options, async (client) => {
    const found = await client.cluster(null);
    const topics = [...found.topics]
      .map(([name, partitions]) => ({
        name,
        partitions: partitions.length,
        replicationFactor: partitions[0]?.replicas.length ?? 0,
        state: topicState(partitions),
      }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const rows = topics.map((one) => [one.name, `${one.partitions}`, `${one.replicationFactor}`, one.state]);
    print(options.output, { json: topics, rows: [["TOPIC", "PARTITIONS", "REPLICAS", "STATE"], ...rows] });
  });
}

/** `tidemark topics show`: leader, replicas and offsets of every partition. */
export async function showTopic(topic: string, options: TopicOptions): Promise<void> {
  endWithReader();
  await AdminClient.with(options, async (client) => {
    const rows = (await client.cluster([topic])).topics.get(topic);
    if (rows === undefined) throw noSuchTopic(topic);
    const places = rows.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic, partition }));
    const [beginnings, ends] = [await client.offsetsAt(places, EARLIEST), await client.offsetsAt(places, LATEST)];
    const partitions = rows.map((row) => ({
      ...row,
      beginning: beginnings.get(keyOf({ topic, ...row }))?.toString() ?? null,
      end: ends.get(keyOf({ topic, ...row }))?.toString() ?? null,
    }));
    const cells = partitions.map(({ partition, leader, isr, replicas, beginning, end }) => [
      `${partition}`,
      leader < 0 ? "none" : `${leader}`,
      idCell(isr),
      idCell(replicas),
      beginning ?? "-",
      end ?? "-",
    ]);
    const heads = ["PARTITION", "LEADER", "ISR", "REPLICAS", "BEGINNING", "END"];
    print(options.output, { json: { topic, partitions }, rows: [heads, ...cells] });
  });
}

/** `tidemark topics create`. What is not said is as the brokers' defaults say. */
export async function createTopic(topic: string, options: CreateOptions): Promise<void> {
  const configs = Object.entries(assignments(options.config)).map(([name, value]) => ({ name, value }));
  const { partitions = -1, replicationFactor: replicas = -1 } = options;
  await AdminClient.with(options, async (client) => {
    await client.ask((admin) => admin.createTopics({ topics: [topic], partitions, replicas, configs }));
    const rows = await client.made(topic);
    const made = { topic, partitions: rows.length, replicationFactor: rows[0]?.replicas.length ?? 0 };
    const text = `topic ${topic}: created with ${made.partitions} partitions, ${made.replicationFactor} replicas each`;
    print(options.output, { json: made, rows: [[text]] });
  });
}

/** `tidemark topics grow`: more partitions. Fewer is refused, for records would be lost. */
export async function growTopic(topic: string, options: TopicOptions & { readonly partitions: number }): Promise<void> {
  const { partitions: count } = options;
  await AdminClient.with(options, async (client) => {
    await client.ask((admin) => admin.createPartitions({ topics: [{ name: topic, count }] }), missing(topic));
    print(options.output, { json: { topic, partitions: count }, rows: [[`topic ${topic}: has ${count} partitions`]] });
  });
}

/** `tidemark topics delete`: with all its records. */
export async function deleteTopic(topic: string, options: TopicOptions): Promise<void> {
  await AdminClient.with(options, async (client) => {
    await client.ask((admin) => admin.deleteTopics({ topics: [topic] }), missing(topic));
    print(options.output, { json: { deleted: topic }, rows: [[`topic ${topic} is deleted`]] });
  });
}

export const missing =
  (topic: string) =>
  (error: string): TidemarkError | null =>
    error === "UNKNOWN_TOPIC_OR_PARTITION" ? noSuchTopic(topic) : null;
