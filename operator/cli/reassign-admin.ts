import {
  type alterPartitionReassignmentsV1 as alter,
  type listPartitionReassignmentsV0 as list,
  protocolErrorsCodesById,
} from "@platformatic/kafka";
import { isTidemarkError, TidemarkError } from "#base/errors.ts";
import { AdminClient } from "./admin-client.ts";
import type { ClientOptions } from "./broker-access.ts";
import { askAny, askAnyBy, askAnyInParts, electPreferred } from "./any-broker.ts";
import { byPlace, byTopic, keyOf, type Place } from "./places.ts";
import type { Assigned, Seat } from "./reassign-plan.ts";

/** A partition on its way to another assignment. */
export interface UnderWay extends Place {
  /** The target first, then those that leave. */
  readonly replicas: readonly number[];
  readonly adding: readonly number[];
  readonly removing: readonly number[];
}

/** What became of one partition that was asked for. */
export interface Outcome extends Place {
  /** In the broker's words, or Kafka's name for the error; null when it was taken. */
  readonly refusal: string | null;
}

/** Brokers that are up, and every partition with its target assignment. */
export interface World {
  readonly seats: readonly Seat[];
  readonly partitions: readonly Assigned[];
}

/** Bytes of each replica, by `keyOf` and broker; brokers that could not be asked are left out. */
type Sizes = ReadonlyMap<string, ReadonlyMap<number, number>>;

/** How far one partition is. */
export interface Progressing extends UnderWay {
  /** What its new replicas have in the end; null when nobody could say. */
  readonly totalBytes: number | null;
  readonly missingBytes: number | null;
}

const TIMEOUT_MS = 10_000;
/** So that a broker's answer comes soon whatever the size of a plan. */
const PARTITIONS_A_REQUEST = 1000;
const ELECTION_NOT_NEEDED = 84;
const ALL_BROKERS = { resourceType: 4, resourceName: "" } as const;
const SET = 0;

/** What the commands that move partitions ask of brokers. */
export class ReassignAdmin {
  readonly #client: AdminClient;

  constructor(client: AdminClient) {
    this.#client = client;
  }

  static with<T>(options: ClientOptions, use: (admin: ReassignAdmin) => Promise<T>): Promise<T> {
    return AdminClient.with(options, (client) => use(new ReassignAdmin(client)));
  }

  async world(): Promise<World> {
    const { brokers, topics } = await this.#client.cluster(null);
    const moving = new Map((await this.underWay()).map((one) => [keyOf(one), one]));
    const places = [...topics].flatMap(([topic, rows]) => rows.map((row) => ({ topic, ...row })));
    const sizes = await this.#sizes(places);
    const partitions = places.map((place): Assigned => {
      const { topic, partition } = place;
      const { replicas, removing } = moving.get(keyOf(place)) ?? { ...place, removing: [] as readonly number[] };
      const target = replicas.filter((id) => !removing.includes(id));
      return { topic, partition, replicas: target, sizeBytes: sizeOf(sizes, place) };
    });
    const seats = [...brokers].map(([id, { rack }]) => ({ id, rack }));
    return { seats: seats.sort((a, b) => a.id - b.id), partitions: partitions.sort(byPlace) };
  }

  async underWay(): Promise<UnderWay[]> {
    const { topics } = await this.#client.ask((admin) =>
      askAny<[number, null], list.ListPartitionReassignmentsResponse>(admin, "ListPartitionReassignments", [
        TIMEOUT_MS,
        null,
      ]),
    );
    const found = topics.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, replicas, addingReplicas: adding, removingReplicas: removing }) => {
        return { topic, partition, replicas, adding, removing };
      }),
    );
    return found.sort(byPlace);
  }

  /** What is under way, with what is still to be copied. */
  async progress(): Promise<Progressing[]> {
    const moving = await this.underWay();
    if (moving.length === 0) return [];
    const { topics } = await this.#client.cluster([...byTopic(moving).keys()]);
    const sizes = await this.#sizes(moving);
    return moving.map((one) => {
      const leader = topics.get(one.topic)?.[one.partition]?.leader ?? -1;
      const wholeBytes = sizeOf(sizes, { ...one, leader });
      if (wholeBytes === null) return { ...one, totalBytes: null, missingBytes: null };
      const ofReplicas = sizes.get(keyOf(one));
      const missing = one.adding.map((broker) => Math.max(0, wholeBytes - (ofReplicas?.get(broker) ?? 0)));
      return { ...one, totalBytes: wholeBytes * one.adding.length, missingBytes: missing.reduce((a, b) => a + b, 0) };
    });
  }

  /**
   * Gives partitions another target; null: the one that they had. Each by itself. When brokers cannot be asked any more
   * in the middle, what they answered before still counts.
   */
  async alter(targets: readonly (Place & { readonly replicas: readonly number[] | null })[]): Promise<Outcome[]> {
    const outcomes: Outcome[] = [];
    for (let from = 0; from < targets.length; from += PARTITIONS_A_REQUEST) {
      const some = targets.slice(from, from + PARTITIONS_A_REQUEST);
      try {
        outcomes.push(...(await this.#alterSome(some)));
      } catch (error) {
        if (from === 0 || !isTidemarkError(error)) throw error;
        const rest = targets.slice(from);
        return [...outcomes, ...rest.map(({ topic, partition }) => ({ topic, partition, refusal: error.message }))];
      }
    }
    return outcomes;
  }

  async #alterSome(targets: readonly (Place & { readonly replicas: readonly number[] | null })[]): Promise<Outcome[]> {
    const topics = [...byTopic(targets)].map(([name, partitions]) => ({
      name,
      partitions: partitions.map(({ partition: partitionIndex, replicas }) => ({ partitionIndex, replicas })),
    }));
    const answer = await this.#client.ask((admin) =>
      askAnyInParts<unknown[], alter.AlterPartitionReassignmentsResponse>(admin, "AlterPartitionReassignments", [
        TIMEOUT_MS,
        true,
        topics,
      ]),
    );
    if (answer.errorCode !== 0 && answer.responses.length === 0) {
      throw new TidemarkError("REFUSED", refusalOf(answer.errorCode, answer.errorMessage ?? null) ?? "");
    }
    return answer.responses.flatMap(({ name: topic, partitions }) =>
      partitions.map(({ partitionIndex: partition, errorCode, errorMessage }) => {
        return { topic, partition, refusal: refusalOf(errorCode, errorMessage ?? null) };
      }),
    );
  }

  /** Leadership back to the first replica; only those where one was needed are in the answer. */
  async elect(places: readonly Place[] | null): Promise<Outcome[]> {
    const topics =
      places === null
        ? null
        : [...byTopic(places)].map(([topic, of]) => ({ topic, partitions: of.map(({ partition }) => partition) }));
    const { errorCode, results } = await this.#client.ask((admin) =>
      askAnyBy(admin, electPreferred, [TIMEOUT_MS, topics]),
    );
    if (errorCode !== 0) throw new TidemarkError("REFUSED", refusalOf(errorCode, null) ?? "");
    return results.flatMap(({ topic, partitions }) =>
      partitions
        .filter((one) => one.errorCode !== ELECTION_NOT_NEEDED)
        .map((one) => ({ topic, partition: one.partition, refusal: refusalOf(one.errorCode, one.says) })),
    );
  }

  partitionCount(topic: string): Promise<number> {
    return this.#client.partitionCount(topic);
  }

  /** Of all brokers: how fast they feed replicas that are not in sync. */
  async throttle(bytesPerSecond: number): Promise<void> {
    const rate = { name: THROTTLE_KEY, configOperation: SET, value: String(bytesPerSecond) } as const;
    const resources = [{ ...ALL_BROKERS, configs: [rate] }];
    await this.#client.ask((admin) => admin.incrementalAlterConfigs({ resources }));
  }

  async #sizes(places: readonly Place[]): Promise<Sizes> {
    const topics = [...byTopic(places)].map(([name, of]) => ({
      name,
      partitions: of.map(({ partition }) => partition),
    }));
    const sizes = new Map<string, Map<number, number>>();
    if (topics.length === 0) return sizes;
    const brokers = await this.#client.ask((admin) => admin.describeLogDirs({ topics }));
    for (const { broker, results } of brokers) {
      for (const { name: topic, partitions } of results.flatMap((folder) => folder.topics)) {
        for (const { partitionIndex: partition, partitionSize, isFutureKey } of partitions) {
          if (isFutureKey) continue;
          const key = keyOf({ topic, partition });
          sizes.set(key, (sizes.get(key) ?? new Map()).set(broker, Number(partitionSize)));
        }
      }
    }
    return sizes;
  }
}

export const THROTTLE_KEY = "leader.replication.throttled.rate";

/** Of the leader's copy; without a leader, of the largest. */
function sizeOf(sizes: Sizes, place: Place & { readonly leader: number }): number | null {
  const ofReplicas = sizes.get(keyOf(place));
  if (ofReplicas === undefined) return null;
  return ofReplicas.get(place.leader) ?? Math.max(...ofReplicas.values());
}

const refusalOf = (errorCode: number, says: string | null): string | null =>
  errorCode === 0 ? null : (says ?? protocolErrorsCodesById[errorCode] ?? `error ${errorCode}`);
