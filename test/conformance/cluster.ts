import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { type Admin, Kafka, logLevel, type Producer } from "kafkajs";
import { batchPositions } from "../../broker/wire/record-batch.ts";
import { controllerStatus, type PartitionStatus } from "../../operator/adapters/process/controller-client.ts";
import { controllerOf } from "../../operator/cli/running.ts";
import { type Run, Site } from "../../operator/cli/stand-ins/site.ts";
import type { Pair } from "./driver.ts";

/** A record, as `tidemark consume --json` prints it. */
interface JsonRecord {
  readonly key: string;
  readonly value: string | null;
}

const STEP_LIMIT_MS = 120_000;
/** Instead of 15 s, which every cell of a compacted topic would wait. */
const CLEANER_BACKOFF_MS = 500;

/** Looks again until `condition` holds; throws, naming what did not come, when it never does. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const limitMs = Date.now() + STEP_LIMIT_MS;
  while (!(await condition())) {
    if (Date.now() > limitMs) throw new Error(`waited in vain until ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Three brokers as `tidemark up` starts them, seen with the project's own eyes: what a client says is checked here. */
export class Cluster {
  readonly #site = new Site();
  #admin: Admin | undefined;
  #producer: Producer | undefined;
  #supervisor: Run | undefined;

  /** Resolves once it is ready. Started by `tidemark up`, which also starts again whatever is killed. */
  async start(): Promise<void> {
    this.#supervisor = this.#site.up();
    await this.#supervisor.says("ready in ");
    const brokers = this.bootstrap.split(",");
    const kafka = new Kafka({ brokers, logLevel: logLevel.NOTHING, retry: { retries: 20 } });
    this.#admin = kafka.admin();
    this.#producer = kafka.producer({ idempotent: true });
    await Promise.all([this.#admin.connect(), this.#producer.connect()]);
    await this.#command("configs", "set", `log.cleaner.backoff.ms=${CLEANER_BACKOFF_MS}`, "--broker", "all");
  }

  get bootstrap(): string {
    return this.#site.clusterFile().bootstrap;
  }

  /** An admin client that is none of those under test. */
  get admin(): Admin {
    if (this.#admin === undefined) throw new Error("the cluster is not started");
    return this.#admin;
  }

  /** Three replicas each; resolves once all are in sync. */
  async makeTopic(topic: string, options: { partitions: number; config?: Record<string, string> }): Promise<void> {
    const configEntries = Object.entries(options.config ?? {}).map(([name, value]) => ({ name, value }));
    const numPartitions = options.partitions;
    await this.admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 3, configEntries }] });
    await until(`${topic} is whole`, () => this.isWhole(topic));
  }

  async #rows(topic: string): Promise<readonly PartitionStatus[]> {
    const status = await controllerStatus(controllerOf(this.#site.folder));
    const topicId = status?.topics.find(({ name }) => name === topic)?.topicId;
    return status?.partitions.filter((row) => row.topicId === topicId) ?? [];
  }

  /** How many partitions the topic has; 0 when there is none. */
  async partitionsOf(topic: string): Promise<number> {
    return (await this.#rows(topic)).length;
  }

  async isWhole(topic: string): Promise<boolean> {
    const rows = await this.#rows(topic);
    return rows.length > 0 && rows.every(({ leader, isr }) => leader >= 0 && isr.length === 3);
  }

  async replicasOf(topic: string): Promise<readonly number[]> {
    return (await this.#rows(topic)).find(({ partition }) => partition === 0)?.replicas ?? [];
  }

  /** Of partition 0; −1 without one. */
  async leaderOf(topic: string): Promise<number> {
    return (await this.#rows(topic)).find(({ partition }) => partition === 0)?.leader ?? -1;
  }

  /**
   * Values to partitions in turn, each there once; resolves once every one is acknowledged. A send is of one partition:
   * the library repeats one of several whole when a single leader has moved.
   */
  async write(topic: string, options: { values: readonly string[]; partitions: number }): Promise<void> {
    for (let partition = 0; partition < options.partitions; partition++) {
      const values = options.values.filter((_, n) => n % options.partitions === partition);
      await this.#producer?.send({ topic, acks: -1, messages: values.map((value) => ({ partition, value })) });
    }
  }

  /** kill -9 of the broker that leads partition 0; resolves once another leads. The supervisor starts it again. */
  async killLeader(topic: string): Promise<void> {
    const killed = await this.leaderOf(topic);
    process.kill(this.#site.clusterFile().brokers[killed]?.pid ?? 0, "SIGKILL");
    await until("another broker leads", async () => ![-1, killed].includes(await this.leaderOf(topic)));
  }

  /** Commits the end of every partition for a group that has no members. */
  async commitEnds(topic: string, groupId: string): Promise<void> {
    const ends = await this.admin.fetchTopicOffsets(topic);
    const partitions = ends.map(({ partition, high }) => ({ partition, offset: high }));
    await this.admin.setOffsets({ groupId, topic, partitions });
  }

  /** Runs the project's own command to its good end; answers the lines that it printed. */
  async #command(...args: readonly string[]): Promise<string[]> {
    const run = this.#site.run([...args, "--data", this.#site.folder]);
    if ((await run.exit()) !== 0) throw new Error(`${args.join(" ")}: ${run.err}`);
    return run.out.split("\n").slice(0, -1);
  }

  /** Every value of a topic, partition by partition. */
  values(topic: string): Promise<string[]> {
    return this.#command("consume", topic);
  }

  /** Keys and values of a topic; null of a tombstone. */
  async pairs(topic: string): Promise<Pair[]> {
    const records = (await this.#command("consume", topic, "--json")).map((line) => JSON.parse(line) as JsonRecord);
    return records.map(({ key, value }) => [key, value]);
  }

  /** Of every batch of partition 0 as it lies on the disk of its first replica, what `look` makes of it. */
  async batches<T>(topic: string, look: (bytes: Uint8Array, at: number) => T): Promise<T[]> {
    const [replica] = await this.replicasOf(topic);
    const folder = path.join(this.#site.folder, `broker-${replica}`, `${topic}-0`);
    const files = readdirSync(folder).filter((file) => file.endsWith(".log"));
    return files.sort().flatMap((file) => {
      const bytes = readFileSync(path.join(folder, file));
      return Array.from(batchPositions(bytes), (at) => look(bytes, at));
    });
  }

  /** Ends every process of it, without waiting: for a run that is broken off. */
  abandon(): void {
    this.#supervisor?.process.kill("SIGTERM");
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#admin?.disconnect(), this.#producer?.disconnect()]);
    await this.#site.dispose();
  }
}
