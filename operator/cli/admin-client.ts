import type { Admin } from "@platformatic/kafka";
import { TidemarkError } from "#base/errors.ts";
import { reroute } from "../adapters/kubernetes/dial.ts";
import { brokerAccess, type ClientOptions } from "./broker-access.ts";
import { reasons, refusalIn } from "./client-errors.ts";
import { byTopic, keyOf, type Place } from "./places.ts";

/** Kafka's timestamps for the first offset of a log, and for its end. */
export const EARLIEST = -2n;
export const LATEST = -1n;

/** The admin client of a Kafka library for the length of one command; what fails, fails with a TidemarkError. */
export class AdminClient {
  readonly #admin: Admin;
  /** Whom it asks, for messages. */
  readonly #name: string;

  private constructor(admin: Admin, name: string) {
    this.#admin = admin;
    this.#name = name;
  }

  /** Runs `use`, and lets go of every connection. */
  static async with<T>(options: ClientOptions, use: (client: AdminClient) => Promise<T>): Promise<T> {
    const access = await brokerAccess(options);
    const { Admin } = await import("@platformatic/kafka");
    const admin = new Admin({
      clientId: "tidemark",
      bootstrapBrokers: [...access.brokers],
      retries: 10,
      retryDelay: 200,
      connectTimeout: 3000,
      timeout: 15_000,
    });
    reroute(admin.connections, access.dial);
    try {
      return await use(new AdminClient(admin, access.name));
    } finally {
      await admin.close();
      access.close();
    }
  }

  /** `explain` may say in better words what one of Kafka's errors means here. */
  async ask<T>(
    call: (admin: Admin) => Promise<T>,
    explain: (error: string) => TidemarkError | null = () => null,
  ): Promise<T> {
    try {
      return await call(this.#admin);
    } catch (error) {
      const refusal = refusalIn(error);
      if (refusal !== null)
        throw explain(refusal.error) ?? new TidemarkError("REFUSED", refusal.text, { cause: error });
      const says = `${this.#name} cannot be asked: ${reasons(error).at(-1) ?? "no reason given"}`;
      throw new TidemarkError("PEER_UNREACHABLE", `${says}; is the cluster running?`, { cause: error });
    }
  }

  /** By partition: the first offset of that time or later, −1 without one; or that of `EARLIEST` or `LATEST`. */
  async offsetsAt(places: readonly Place[], timestamp: bigint): Promise<Map<string, bigint>> {
    const topics = [...byTopic(places)].map(([name, ofTopic]) => ({
      name,
      partitions: ofTopic.map(({ partition: partitionIndex }) => ({ partitionIndex, timestamp })),
    }));
    if (topics.length === 0) return new Map();
    const listed = await this.ask((admin) => admin.listOffsets({ topics }));
    return new Map(
      listed.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, offset }) => [keyOf({ topic, partition }), offset] as const),
      ),
    );
  }

  /** How many partitions a topic has. @throws TidemarkError BAD_INPUT when it does not exist. */
  async partitionCount(topic: string): Promise<number> {
    const names = await this.ask((admin) => admin.listTopics({ includeInternals: true }));
    if (!names.includes(topic)) throw noSuchTopic(topic);
    const { topics } = await this.ask((admin) => admin.metadata({ topics: [topic], autocreateTopics: false }));
    return topics.get(topic)?.partitionsCount ?? 0;
  }
}

export const noSuchTopic = (topic: string): TidemarkError =>
  new TidemarkError("BAD_INPUT", `topic ${topic} does not exist; \`tidemark topics list\` lists them`);
