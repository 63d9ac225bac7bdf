import { type Consumer, Kafka, logLevel } from "kafkajs";
import { until } from "./cluster/shell.ts";
import type { LoadTarget } from "./load.ts";

const MEMBERS = 3;
const COMMIT_MS = 250;
const SESSION_MS = 10_000;
const HEARTBEAT_MS = 500;
const RETRY = { initialRetryTime: 50, maxRetryTime: 500, factor: 0.2, multiplier: 1.5, retries: 1000 };

/** What is known of one partition of the topic that a group reads. */
class PartitionFacts {
  /** Offsets below were given to some member. */
  readUpTo = 0;
  /** Given out of turn: at or above `readUpTo`. */
  readonly ahead = new Set<number>();
  /** The greatest offset that a member had the word for. */
  committed = 0;

  take(offset: number): void {
    if (offset < this.readUpTo) return;
    this.ahead.add(offset);
    while (this.ahead.delete(this.readUpTo)) this.readUpTo++;
  }
}

/** A consumer group of kafkajs, which reads what a load writes and commits four times a second. */
export class GroupMembers {
  readonly group: string;
  readonly #kafka: Kafka;
  readonly #target: LoadTarget;
  readonly #partitions: readonly PartitionFacts[];
  readonly #consumers: Consumer[] = [];
  #commits = 0;
  #joins = 0;
  /** A member began below what had been committed before it joined. */
  #lostCommits = 0;

  private constructor(target: LoadTarget, group: string) {
    const brokers = target.bootstrap.split(",");
    this.group = group;
    this.#target = target;
    this.#kafka = new Kafka({
      brokers,
      clientId: group,
      logLevel: logLevel.NOTHING,
      requestTimeout: 5000,
      retry: RETRY,
    });
    this.#partitions = Array.from({ length: target.partitions }, () => new PartitionFacts());
  }

  /** Resolves once every partition is read by somebody. */
  static async start(target: LoadTarget, group: string): Promise<GroupMembers> {
    const members = new GroupMembers(target, group);
    for (let member = 0; member < MEMBERS; member++) await members.#join();
    await members.goesOn();
    return members;
  }

  async #join(): Promise<void> {
    const timeouts = { sessionTimeout: SESSION_MS, rebalanceTimeout: SESSION_MS, heartbeatInterval: HEARTBEAT_MS };
    const consumer = this.#kafka.consumer({ groupId: this.group, ...timeouts, retry: RETRY });
    /** By partition: what had been committed when this member joined; removed with its first record. */
    const floors = new Map<number, number>();
    consumer.on(consumer.events.GROUP_JOIN, () => {
      this.#joins++;
      floors.clear();
      this.#partitions.forEach(({ committed }, partition) => floors.set(partition, committed));
    });
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => {
      for (const { partition, offset } of payload.topics.flatMap(({ partitions }) => partitions)) {
        const facts = this.#partitions[Number(partition)];
        if (facts !== undefined) facts.committed = Math.max(facts.committed, Number(offset));
        this.#commits++;
      }
    });
    await consumer.connect();
    await consumer.subscribe({ topic: this.#target.topic, fromBeginning: true });
    await consumer.run({
      autoCommitInterval: COMMIT_MS,
      eachMessage: async ({ partition, message }) => {
        const offset = Number(message.offset);
        if (offset < (floors.get(partition) ?? 0)) this.#lostCommits++;
        floors.delete(partition);
        this.#partitions[partition]?.take(offset);
      },
    });
    this.#consumers.push(consumer);
  }

  /** Waits until every partition has been read further, and committed further. */
  async goesOn(limitMs = 90_000): Promise<void> {
    const from = this.#partitions.map(({ readUpTo, committed }) => ({ readUpTo, committed }));
    const isOn = (): boolean =>
      this.#partitions.every((now, at) => now.readUpTo > from[at]!.readUpTo && now.committed > from[at]!.committed);
    await until(`group ${this.group} goes on`, isOn, { limitMs });
  }

  /** Waits until members have read and committed all that was acknowledged; answers what happened meanwhile. */
  async caughtUp(ackedOf: readonly number[]): Promise<string> {
    const isRead = (): boolean => this.#partitions.every(({ readUpTo }, at) => readUpTo >= (ackedOf[at] ?? 0));
    await until("every record is read, none is skipped", isRead, { limitMs: 60_000 });
    const wanted = this.#partitions.map(({ readUpTo }) => readUpTo);
    const isCommitted = (): boolean => this.#partitions.every(({ committed }, at) => committed >= wanted[at]!);
    await until("everything read is committed", isCommitted, { limitMs: 60_000 });
    if (this.#lostCommits > 0) throw new Error(`${this.#lostCommits} members began below what was committed`);
    await this.#checkCommitted();
    const records = this.#partitions.reduce((sum, { readUpTo }) => sum + readUpTo, 0);
    const happened = `${records} records, ${this.#commits} commits, ${this.#joins} joins`;
    return `${happened}: commits lost 0, records skipped 0`;
  }

  /** What the coordinator tells others is what the members had the word for. */
  async #checkCommitted(): Promise<void> {
    const least = this.#partitions.map(({ committed }) => committed);
    const admin = this.#kafka.admin();
    await admin.connect();
    const [found] = await admin.fetchOffsets({ groupId: this.group, topics: [this.#target.topic] });
    await admin.disconnect();
    const told = new Map(found?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
    least.forEach((committed, partition) => {
      const offset = told.get(partition) ?? -1;
      if (offset < committed) throw new Error(`partition ${partition}: ${committed} was committed, ${offset} is told`);
    });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#consumers.map((consumer) => consumer.disconnect()));
  }
}
