import { NO_TOPIC_ID, type PartitionIndex } from "../base/ids.ts";
import type { PartitionRow } from "../contract/rows.ts";
import { topicNameProblem } from "../contract/topic-name.ts";
import {
  describeTopicPartitions,
  type DescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponse,
} from "../wire/apis/75-describe-topic-partitions.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { describePartition } from "./03-metadata.ts";
import { TOPIC_OPERATIONS } from "./authorized-operations.ts";
import type { BrokerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { isInternalTopic } from "./internal-topics.ts";

/*
 * DescribeTopicPartitions: 0 (KIP-966).
 *
 * Behaviour: topics in the order of their names, page by page, with at most 2,000 partitions a page; with the replicas
 * that may lead although they left the ISR (eligible leader replicas), and those that lost their page cache since
 * (last known). Topics that do not exist have an error each. Asked for no topic: all of them.
 */

type TopicAnswer = DescribeTopicPartitionsResponse["topics"][number];
type PartitionAnswer = TopicAnswer["partitions"][number];
type Cursor = { topicName: string; partitionIndex: PartitionIndex };

const PAGE_PARTITIONS_MAX = 2000;

function describe(
  request: DescribeTopicPartitionsRequest,
  listener: string,
  broker: BrokerContext,
): DescribeTopicPartitionsResponse {
  const { cursor } = request;
  const asked = request.topics.length === 0 ? broker.image.topics() : request.topics;
  const names = [...new Set(asked.map(({ name }) => name))].sort().filter((name) => name >= (cursor?.topicName ?? ""));
  let room = Math.max(1, Math.min(request.responsePartitionLimit, PAGE_PARTITIONS_MAX));
  const topics: TopicAnswer[] = [];
  for (const name of names) {
    const first = cursor?.topicName === name ? Math.max(0, cursor.partitionIndex) : 0;
    const topic = broker.image.topicByName(name);
    if (topic === undefined) {
      topics.push(missing(name));
      continue;
    }
    const rows = broker.image.partitions(topic.topicId);
    if (room === 0) return page(topics, { topicName: name, partitionIndex: first as PartitionIndex });
    const shown = rows.slice(first, first + room);
    const { topicId } = topic;
    const partitions = shown.map((row) => describeWithCandidates(row, broker, listener));
    topics.push({
      errorCode: 0,
      name,
      topicId,
      isInternal: isInternalTopic(name),
      partitions,
      topicAuthorizedOperations: TOPIC_OPERATIONS,
    });
    room -= shown.length;
    const next = first + shown.length;
    if (next < rows.length) return page(topics, { topicName: name, partitionIndex: next as PartitionIndex });
  }
  return page(topics, null);
}

const page = (topics: TopicAnswer[], nextCursor: Cursor | null): DescribeTopicPartitionsResponse => ({
  throttleTimeMs: 0,
  topics,
  nextCursor,
});

function missing(name: string): TopicAnswer {
  const isValid = topicNameProblem(name) === null;
  const errorCode = isValid ? kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION : kafkaErrors.INVALID_TOPIC_EXCEPTION;
  return { errorCode, name, topicId: NO_TOPIC_ID, partitions: [] };
}

function describeWithCandidates(row: PartitionRow, broker: BrokerContext, listener: string): PartitionAnswer {
  return {
    ...describePartition(row, broker, listener),
    eligibleLeaderReplicas: row.elr,
    lastKnownElr: row.lost,
  };
}

export const describeTopicPartitionsHandler = handler(
  describeTopicPartitions,
  { served: { min: 0, max: 0 } },
  (request, call, broker) => call.answer(describe(request, call.listener, broker)),
);
