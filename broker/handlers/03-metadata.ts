import { type BrokerId, NO_TOPIC_ID, type TopicId } from "../base/ids.ts";
import type { PartitionRow, TopicRow } from "../contract/rows.ts";
import { topicNameProblem } from "../contract/topic-name.ts";
import { metadata, type MetadataRequest, type MetadataResponse } from "../wire/apis/03-metadata.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { CLUSTER_OPERATIONS, NOT_ASKED, TOPIC_OPERATIONS } from "./authorized-operations.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";
import { isInternalTopic } from "./internal-topics.ts";
import { controllerOf, listedBrokers, reachableLeader } from "./leaders.ts";

/*
 * Metadata: 0–13.
 *
 * Behaviour: brokers with a session, under the addresses of the listener that the client came in by. Any broker takes
 * administrative requests, so each names itself as the controller. A partition without a reachable leader is listed
 * with LEADER_NOT_AVAILABLE. Asking for unknown topics by name creates them (auto.create.topics.enable and the
 * request's own flag); the answer waits up to a second for them and otherwise has LEADER_NOT_AVAILABLE: ask again.
 */

type TopicAnswer = MetadataResponse["topics"][number];
type PartitionAnswer = TopicAnswer["partitions"][number];
type Asked = NonNullable<MetadataRequest["topics"]>[number];

/** First version in which an empty list means none, and null all. */
const NULL_IS_ALL_SINCE = 1;

export const metadataHandler = handler(metadata, { served: { min: 0, max: 13 } }, (request, call, broker) => {
  const unknown = namesToCreate(request, call.header.apiVersion, broker);
  if (unknown.length === 0) return answer(request, call, { broker, creationErrors: NO_ERRORS });
  return broker.autoCreator
    .create(broker, unknown)
    .then((creationErrors) => answer(request, call, { broker, creationErrors }));
});

const NO_ERRORS: ReadonlyMap<string, number> = new Map();

function namesToCreate(request: MetadataRequest, version: number, broker: BrokerContext): string[] {
  const { topics, allowAutoTopicCreation } = request;
  if (isForAll(topics, version) || !allowAutoTopicCreation || !broker.config().autoCreateTopicsEnable) return [];
  const names = new Set<string>();
  for (const { name, topicId } of topics ?? []) {
    if (name !== null && topicId === NO_TOPIC_ID && broker.image.topicByName(name) === undefined) names.add(name);
  }
  return [...names];
}

const isForAll = (topics: MetadataRequest["topics"], version: number): boolean =>
  topics === null || (version < NULL_IS_ALL_SINCE && topics.length === 0);

function answer(
  request: MetadataRequest,
  call: Call<MetadataResponse>,
  { broker, creationErrors }: { broker: BrokerContext; creationErrors: ReadonlyMap<string, number> },
): void {
  const listed = listedBrokers(broker, call.listener);
  const describe = (topic: TopicRow): TopicAnswer =>
    describeTopic(topic, {
      broker,
      listener: call.listener,
      operations: request.includeTopicAuthorizedOperations ? TOPIC_OPERATIONS : NOT_ASKED,
    });
  const topics = isForAll(request.topics, call.header.apiVersion)
    ? broker.image.topics().map(describe)
    : (request.topics ?? []).map((asked) => describeAsked(asked, { broker, describe, creationErrors }));
  call.answer({
    throttleTimeMs: 0,
    brokers: listed.map(({ row, host, port }) => ({ nodeId: row.id, host, port, rack: row.rack })),
    clusterId: broker.clusterId,
    controllerId: controllerOf(broker, listed),
    topics,
    clusterAuthorizedOperations: request.includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
  });
}

function describeAsked(
  { name, topicId }: Asked,
  by: {
    broker: BrokerContext;
    describe: (topic: TopicRow) => TopicAnswer;
    creationErrors: ReadonlyMap<string, number>;
  },
): TopicAnswer {
  if (topicId !== NO_TOPIC_ID) {
    const topic = by.broker.image.topic(topicId);
    return topic === undefined ? missing(null, topicId, kafkaErrors.UNKNOWN_TOPIC_ID) : by.describe(topic);
  }
  if (name === null) return missing("", topicId, kafkaErrors.INVALID_TOPIC_EXCEPTION);
  const topic = by.broker.image.topicByName(name);
  if (topic !== undefined) return by.describe(topic);
  const error =
    topicNameProblem(name) === null ? kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION : kafkaErrors.INVALID_TOPIC_EXCEPTION;
  return missing(name, topicId, by.creationErrors.get(name) ?? error);
}

const missing = (name: string | null, topicId: TopicId, errorCode: number): TopicAnswer => ({
  errorCode,
  name,
  topicId,
  partitions: [],
});

function describeTopic(
  topic: TopicRow,
  { broker, listener, operations }: { broker: BrokerContext; listener: string; operations: number },
): TopicAnswer {
  return {
    errorCode: 0,
    name: topic.name,
    topicId: topic.topicId,
    isInternal: isInternalTopic(topic.name),
    partitions: broker.image.partitions(topic.topicId).map((row) => describePartition(row, broker, listener)),
    topicAuthorizedOperations: operations,
  };
}

export function describePartition(row: PartitionRow, broker: BrokerContext, listener: string): PartitionAnswer {
  const leaderId = reachableLeader(broker, row, listener);
  return {
    errorCode: leaderId < 0 ? kafkaErrors.LEADER_NOT_AVAILABLE : 0,
    partitionIndex: row.partition,
    leaderId,
    leaderEpoch: row.leaderEpoch,
    replicaNodes: row.replicas,
    isrNodes: row.isr,
    offlineReplicas: offlineReplicas(row, broker),
  };
}

/** Replicas whose broker has no session. */
const offlineReplicas = (row: PartitionRow, broker: BrokerContext): BrokerId[] =>
  row.replicas.filter((id) => !broker.image.isAlive(id));
