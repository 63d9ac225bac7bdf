import type { BrokerId, LeaderEpoch, TopicId } from "../base/ids.ts";
import type { BrokerRow, Endpoint, PartitionRow, TopicRow } from "../contract/rows.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import type { HostedReplica } from "./replicas.ts";

/** Where a client that came in by `listener` reaches a broker; undefined when it has no such listener. */
export const endpointOf = (row: BrokerRow, listener: string): Endpoint | undefined =>
  row.endpoints.find((endpoint) => endpoint.listener === listener);

/** A broker as clients of a listener are told of it. */
export interface ListedBroker {
  readonly row: BrokerRow;
  readonly host: string;
  readonly port: number;
}

/** Brokers with a session that clients of `listener` can reach, by id. */
export function listedBrokers(broker: BrokerContext, listener: string): ListedBroker[] {
  return broker.image.brokers().flatMap((row) => {
    const endpoint = endpointOf(row, listener);
    return row.isFenced || endpoint === undefined ? [] : [{ row, host: endpoint.host, port: endpoint.port }];
  });
}

/**
 * Who is told to be the controller: any broker takes administrative requests and passes them on, so the one that is
 * asked names itself, if it is listed.
 */
export function controllerOf(broker: BrokerContext, listed: readonly ListedBroker[]): BrokerId {
  const isListed = listed.some(({ row }) => row.id === broker.brokerId);
  return isListed ? broker.brokerId : (listed[0]?.row.id ?? (-1 as BrokerId));
}

/** A partition's leader, if clients can be sent to it: alive and on the same listener. −1 otherwise. */
export function reachableLeader(broker: BrokerContext, row: PartitionRow, listener: string): BrokerId {
  const leader = broker.image.broker(row.leader);
  if (leader === undefined || leader.isFenced || endpointOf(leader, listener) === undefined) return -1 as BrokerId;
  return row.leader;
}

/** What a request addresses: a partition of a topic, by name or by id. */
export interface TargetTopic {
  readonly topic: TopicRow | undefined;
  /** Error for every partition when `topic` is undefined. */
  readonly errorCode: number;
}

export function topicByName(broker: BrokerContext, name: string): TargetTopic {
  const topic = broker.image.topicByName(name);
  return { topic, errorCode: topic === undefined ? kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION : 0 };
}

export function topicById(broker: BrokerContext, id: TopicId): TargetTopic {
  const topic = broker.image.topic(id);
  return { topic, errorCode: topic === undefined ? kafkaErrors.UNKNOWN_TOPIC_ID : 0 };
}

/** A partition of a topic, and the leader epoch that the client knows; −1 when it knows none. */
export interface PartitionPlace {
  readonly partition: number;
  readonly leaderEpoch: LeaderEpoch;
}

export type FoundReplica =
  | { readonly kind: "found"; readonly topic: TopicRow; readonly replica: HostedReplica }
  | { readonly kind: "refused"; readonly errorCode: number };

/**
 * The replica that leads a partition here, after the checks that every request to a leader shares: the partition
 * exists, the leader epoch that the client knows is the current one, and this broker leads.
 */
export function findLeader(broker: BrokerContext, target: TargetTopic, at: PartitionPlace): FoundReplica {
  const found = findReplica(broker, target, at);
  if (found.kind === "refused" || found.replica.role === "leader") return found;
  return { kind: "refused", errorCode: kafkaErrors.NOT_LEADER_OR_FOLLOWER };
}

/** The same of any replica, whatever its role. */
export function findReplica(broker: BrokerContext, target: TargetTopic, at: PartitionPlace): FoundReplica {
  const { topic } = target;
  if (topic === undefined) return { kind: "refused", errorCode: target.errorCode };
  const replica = broker.replicas.get(topic.topicId, at.partition);
  if (replica === undefined) {
    const isKnown = broker.image.partitions(topic.topicId)[at.partition] !== undefined;
    const errorCode = isKnown ? kafkaErrors.NOT_LEADER_OR_FOLLOWER : kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION;
    return { kind: "refused", errorCode };
  }
  const epochError = replica.errorForEpoch(at.leaderEpoch);
  if (epochError !== 0) return { kind: "refused", errorCode: epochError };
  return { kind: "found", topic, replica };
}

/** Gathers, for one answer, who leads instead and where those listen (KIP-951). */
export class LeaderHints {
  readonly #broker: BrokerContext;
  readonly #listener: string;
  readonly #leaders = new Set<BrokerId>();

  constructor(broker: BrokerContext, listener: string) {
    this.#broker = broker;
    this.#listener = listener;
  }

  /** The `currentLeader` for an error; undefined when the error is no matter of leadership or nobody leads. */
  leaderFor(
    errorCode: number,
    topic: TopicRow | undefined,
    partition: number,
  ): { leaderId: BrokerId; leaderEpoch: LeaderEpoch } | undefined {
    const isMoved = errorCode === kafkaErrors.NOT_LEADER_OR_FOLLOWER || errorCode === kafkaErrors.FENCED_LEADER_EPOCH;
    const row = isMoved && topic !== undefined ? this.#broker.image.partitions(topic.topicId)[partition] : undefined;
    if (row === undefined) return undefined;
    const leaderId = reachableLeader(this.#broker, row, this.#listener);
    if (leaderId >= 0) this.#leaders.add(leaderId);
    return { leaderId, leaderEpoch: row.leaderEpoch };
  }

  endpoints(): { nodeId: BrokerId; host: string; port: number; rack: string | null }[] {
    return [...this.#leaders].flatMap((id) => {
      const row = this.#broker.image.broker(id);
      const endpoint = row === undefined ? undefined : endpointOf(row, this.#listener);
      if (row === undefined || endpoint === undefined) return [];
      return [{ nodeId: id, host: endpoint.host, port: endpoint.port, rack: row.rack }];
    });
  }
}
