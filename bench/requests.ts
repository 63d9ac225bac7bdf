import type { BrokerId, Offset, PartitionIndex } from "../broker/base/ids.ts";
import { produce as produceApi } from "../broker/wire/apis/00-produce.ts";
import { fetch as fetchApi } from "../broker/wire/apis/01-fetch.ts";
import { metadata as metadataApi } from "../broker/wire/apis/03-metadata.ts";
import { createTopics } from "../broker/wire/apis/19-create-topics.ts";
import { deleteTopics } from "../broker/wire/apis/20-delete-topics.ts";
import { BATCH_HEADER_BYTES, lastOffsetOf, sizeBytesOf } from "../broker/wire/record-batch.ts";
import { buildBatch } from "../broker/wire/record-batch-builder.ts";
import { ask } from "./ask.ts";
import type { Connection } from "./connection.ts";

/** Where a broker listens for clients. */
export interface Broker {
  readonly id: number;
  readonly host: string;
  readonly port: number;
}

export interface PartitionLeader {
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly isr: readonly number[];
}

/** What has been asked for was not in the answer. */
const NO_ANSWER = -1;
const TIMEOUT_MS = 30_000;
const FETCH_WAIT_MS = 500;

/** The brokers a broker knows, and who leads the partitions of `topic` (none when it is null). */
export async function metadata(
  connection: Connection,
  topic: string | null,
): Promise<{ brokers: Broker[]; errorCode: number; partitions: PartitionLeader[] }> {
  const answer = await ask(connection, metadataApi, 7, {
    topics: topic === null ? [] : [{ name: topic }],
    allowAutoTopicCreation: false,
    includeClusterAuthorizedOperations: false,
    includeTopicAuthorizedOperations: false,
  });
  const brokers = answer.brokers.map(({ nodeId: id, host, port }) => ({ id, host, port }));
  const [found] = answer.topics;
  const partitions = (found?.partitions ?? []).map(({ partitionIndex, leaderId, leaderEpoch, isrNodes }) => ({
    partition: partitionIndex,
    leader: leaderId,
    leaderEpoch,
    isr: isrNodes,
  }));
  return { brokers, errorCode: found?.errorCode ?? 0, partitions };
}

/** Answers Kafka's error code, 0 when the topic now exists. */
export async function createTopic(
  connection: Connection,
  topic: {
    name: string;
    partitions: number;
    /** How many, or who they are: then the topic has one partition. */
    replicas: number | readonly number[];
    config?: Record<string, string>;
  },
): Promise<number> {
  const { name, partitions, replicas, config = {} } = topic;
  const configs = Object.entries(config).map(([key, value]) => ({ name: key, value }));
  const layout =
    typeof replicas === "number"
      ? { numPartitions: partitions, replicationFactor: replicas, assignments: [] }
      : {
          numPartitions: -1,
          replicationFactor: -1,
          assignments: [{ partitionIndex: 0 as PartitionIndex, brokerIds: replicas as readonly BrokerId[] }],
        };
  const { topics } = await ask(connection, createTopics, 4, {
    topics: [{ name, ...layout, configs }],
    timeoutMs: TIMEOUT_MS,
  });
  return topics[0]?.errorCode ?? NO_ANSWER;
}

/** Answers Kafka's error code. */
export async function deleteTopic(connection: Connection, name: string): Promise<number> {
  const { responses } = await ask(connection, deleteTopics, 1, {
    topics: [],
    topicNames: [name],
    timeoutMs: TIMEOUT_MS,
  });
  return responses[0]?.errorCode ?? NO_ANSWER;
}

/** One batch with acks=all. Answers Kafka's error code. */
export async function produce(
  connection: Connection,
  to: { topic: string; partition: number; batch: Buffer },
): Promise<number> {
  const { responses } = await ask(connection, produceApi, 7, {
    acks: -1,
    timeoutMs: TIMEOUT_MS,
    topicData: [{ name: to.topic, partitionData: [{ index: to.partition as PartitionIndex, records: to.batch }] }],
  });
  return responses[0]?.partitionResponses[0]?.errorCode ?? NO_ANSWER;
}

/** One partition, at most `maxBytes` (at least one batch). */
export async function fetchRecords(
  connection: Connection,
  from: { topic: string; partition: number; offset: number; maxBytes: number },
): Promise<{ errorCode: number; highWatermark: number; records: Uint8Array }> {
  const { topic, maxBytes } = from;
  const partition = {
    partition: from.partition as PartitionIndex,
    fetchOffset: from.offset as Offset,
    partitionMaxBytes: maxBytes,
  };
  const { responses } = await ask(connection, fetchApi, 4, {
    maxWaitMs: FETCH_WAIT_MS,
    minBytes: 1,
    maxBytes,
    topics: [{ topic, partitions: [partition] }],
    forgottenTopicsData: [],
  });
  const found = responses[0]?.partitions[0];
  const { errorCode = NO_ANSWER, highWatermark = NO_ANSWER } = found ?? {};
  return { errorCode, highWatermark, records: found?.records ?? new Uint8Array(0) };
}

/** Offset after the last whole batch in what a fetch answered; −1 when there is none. */
export function nextOffset(records: Uint8Array): number {
  let next = -1;
  let at = 0;
  while (at + BATCH_HEADER_BYTES <= records.length) {
    const size = sizeBytesOf(records, at);
    if (at + size > records.length) break;
    next = lastOffsetOf(records, at) + 1;
    at += size;
  }
  return next;
}

/** A record batch (no producer id, not compressed) of `count` records with values of `valueBytes` bytes. */
export function recordBatch(content: { count: number; valueBytes: number; timestampMs: number }): Buffer {
  const value = Buffer.alloc(content.valueBytes, "tidemark ");
  return buildBatch(Array.from({ length: content.count }, () => ({ value, timestamp: content.timestampMs })));
}
