import type { Admin, Broker, listOffsetsV9, metadataV12 } from "@platformatic/kafka";
import { isTidemarkError, TidemarkError } from "#base/errors.ts";
import { reroute } from "../adapters/kubernetes/dial.ts";
import { brokerAccess, type ClientOptions } from "./broker-access.ts";
import { reasons, refusalIn } from "./client-errors.ts";
import { Patience } from "./patience.ts";
import { byTopic, keyOf, type Place } from "./places.ts";

/** A partition as brokers see it. */
export interface PartitionView {
  readonly partition: number;
  /** −1 without one. */
  readonly leader: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
}

export interface ClusterView {
  readonly brokers: ReadonlyMap<number, Broker & { readonly rack: string | null }>;
  /** By name; partitions in the order of their numbers. */
  readonly topics: ReadonlyMap<string, readonly PartitionView[]>;
}

/** Kafka's timestamps for the first offset of a log, and for its end. */
export const EARLIEST = -2n;
export const LATEST = -1n;
/** Kafka's codes for a topic that does not exist, or cannot. */
const NO_TOPIC = [3, 17];
const NO_REPLICA = -1;
const COMMITTED_OR_NOT = 0;
const LEADER_PATIENCE_MS = 10_000;
const LEADER_MOVED = ["NOT_LEADER_OR_FOLLOWER", "LEADER_NOT_AVAILABLE", "FENCED_LEADER_EPOCH", "UNKNOWN_LEADER_EPOCH"];

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

  /** Brokers that are up, and every topic or those named, as far as they exist. */
  async cluster(names: readonly string[] | null): Promise<ClusterView> {
    const { askAnyInParts } = await import("./any-broker.ts");
    const { brokers, topics } = await this.ask((admin) =>
      // The library's own method leaves internal topics out.
      askAnyInParts<[string[] | null, boolean, boolean], metadataV12.MetadataResponse>(admin, "Metadata", [
        names?.slice() ?? null,
        false,
        false,
      ]),
    );
    const known = topics.filter(({ errorCode, name }) => typeof name === "string" && !NO_TOPIC.includes(errorCode));
    return {
      brokers: new Map(brokers.map(({ nodeId, host, port, rack }) => [nodeId, { host, port, rack: rack ?? null }])),
      topics: new Map(known.map(({ name, partitions }) => [name!, partitionsOf(partitions)])),
    };
  }

  /** By partition: the first offset of that time or later, −1 without one; or that of `EARLIEST` or `LATEST`. */
  offsetsAt(places: readonly Place[], timestamp: bigint): Promise<Map<string, bigint>> {
    return new Patience(LEADER_PATIENCE_MS).with(
      () => this.#offsetsAt(places, timestamp),
      (error, isOver) => {
        if (isOver || !willPass(error)) throw error;
      },
    );
  }

  async #offsetsAt(places: readonly Place[], timestamp: bigint): Promise<Map<string, bigint>> {
    const topics = byTopic(places);
    if (topics.size === 0) return new Map();
    const { askBroker } = await import("./any-broker.ts");
    const view = await this.cluster([...topics.keys()]);
    const leaderOf = ({ topic, partition }: Place): number => view.topics.get(topic)?.[partition]?.leader ?? -1;
    const byLeader = Map.groupBy(places, (place) => view.brokers.get(leaderOf(place)));
    const [leaderless] = byLeader.get(undefined) ?? [];
    if (leaderless !== undefined) throw hasNoLeader(leaderless);
    const answers = [...byLeader].map(([broker, led]) => {
      const asked = [...byTopic(led)].map(([name, of]) => ({
        name,
        partitions: of.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp })),
      }));
      return this.ask((admin) =>
        askBroker<[number, number, typeof asked], listOffsetsV9.ListOffsetsResponse>(admin, broker!, "ListOffsets", [
          NO_REPLICA,
          COMMITTED_OR_NOT,
          asked,
        ]),
      );
    });
    const found = (await Promise.all(answers)).flatMap((answer) => answer.topics);
    return new Map(
      found.flatMap(({ name: topic, partitions }) =>
        partitions.map(({ partitionIndex: partition, offset }) => [keyOf({ topic, partition }), offset] as const),
      ),
    );
  }

  /** Partitions of a topic that was just made: another broker than the one that made it may have yet to hear of it. */
  made(topic: string): Promise<readonly PartitionView[]> {
    const look = async (): Promise<readonly PartitionView[]> => {
      const found = (await this.cluster([topic])).topics.get(topic);
      if (found === undefined) throw noSuchTopic(topic);
      return found;
    };
    return new Patience(LEADER_PATIENCE_MS).with(look, (error, isOver) => {
      if (isOver) throw error;
    });
  }

  /** How many partitions a topic has. @throws TidemarkError BAD_INPUT when it does not exist. */
  async partitionCount(topic: string): Promise<number> {
    const found = (await this.cluster([topic])).topics.get(topic);
    if (found === undefined) throw noSuchTopic(topic);
    return found.length;
  }
}

/** In the order of their numbers. */
const partitionsOf = (partitions: readonly metadataV12.MetadataResponsePartition[]): PartitionView[] =>
  partitions
    .map(({ partitionIndex: partition, leaderId: leader, isrNodes: isr, replicaNodes: replicas }) => {
      return { partition, leader, isr, replicas };
    })
    .sort((a, b) => a.partition - b.partition);

const hasNoLeader = ({ topic, partition }: Place): TidemarkError =>
  new TidemarkError("PEER_UNREACHABLE", `${topic}-${partition} has no leader; \`tidemark topics show ${topic}\``);

/** Leaders move, and brokers come back. */
function willPass(error: unknown): boolean {
  if (!isTidemarkError(error)) return false;
  return error.isRetriable || LEADER_MOVED.includes(refusalIn(error.cause)?.error ?? "");
}

export const noSuchTopic = (topic: string): TidemarkError =>
  new TidemarkError("BAD_INPUT", `topic ${topic} does not exist; \`tidemark topics list\` lists them`);
