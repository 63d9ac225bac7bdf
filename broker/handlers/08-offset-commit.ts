import type { CommittedOffset } from "../groups/group-records.ts";
import type { TopicRow } from "../contract/rows.ts";
import { offsetCommit, type OffsetCommitRequest, type OffsetCommitResponse } from "../wire/apis/08-offset-commit.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";
import { topicById, topicByName } from "./leaders.ts";

/*
 * OffsetCommit: 2–10, at the group's coordinator.
 *
 * Behaviour: answered once `__consumer_offsets` has it on every in-sync replica. Partitions that do not exist and
 * metadata that is too large are refused one by one; the others are committed. A retention in a request (v2–4) is
 * ignored, as by Kafka.
 */

type TopicAnswer = OffsetCommitResponse["topics"][number];
type Commit = { topic: string; partition: number; value: CommittedOffset };

const BY_ID_SINCE = 10;

function commit(request: OffsetCommitRequest, call: Call<OffsetCommitResponse>, broker: BrokerContext): void {
  const { groupId, memberId, groupInstanceId: instanceId, generationIdOrMemberEpoch: generationId } = request;
  const found = findGroup(broker, groupId, { mayBeUnnamed: true });
  if (found.kind === "refused") return call.answer(allRefused(request, found.errorCode));
  const isById = call.header.apiVersion >= BY_ID_SINCE;
  const commits: Commit[] = [];
  const nowMs = broker.clock.now();
  const answers = request.topics.map(({ name, topicId, partitions }) => {
    const target = isById ? topicById(broker, topicId) : topicByName(broker, name);
    const checked = partitions.map((partition) => {
      const errorCode = problemOf(broker, { target, partition });
      if (errorCode === 0) commits.push(commitOf(target.topic!, partition, nowMs));
      return { partitionIndex: partition.partitionIndex, errorCode };
    });
    return { name, topicId, partitions: checked };
  });
  const answer = (errorCode: number): void =>
    call.answer({
      throttleTimeMs: 0,
      topics: errorCode === 0 ? answers : answers.map((topic) => spoilt(topic, errorCode)),
    });
  found.partition.commit(groupId, { memberId, instanceId, generationId }, { commits, done: answer });
}

type Partition = OffsetCommitRequest["topics"][number]["partitions"][number];

function problemOf(
  broker: BrokerContext,
  { target, partition }: { target: ReturnType<typeof topicByName>; partition: Partition },
): number {
  if (target.topic === undefined) return target.errorCode;
  const isThere = broker.image.partitions(target.topic.topicId)[partition.partitionIndex] !== undefined;
  if (!isThere) return kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION;
  const { committedMetadata } = partition;
  const metadataBytes = committedMetadata === null ? 0 : Buffer.byteLength(committedMetadata);
  return metadataBytes > broker.config().offsetMetadataMaxBytes ? kafkaErrors.OFFSET_METADATA_TOO_LARGE : 0;
}

const commitOf = ({ name, topicId }: TopicRow, partition: Partition, nowMs: number): Commit => ({
  topic: name,
  partition: partition.partitionIndex,
  value: {
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? "",
    commitTimestamp: nowMs,
    topicId,
  },
});

/** Partitions that would have been committed get the error of the whole; the others keep their own. */
const spoilt = (topic: TopicAnswer, errorCode: number): TopicAnswer => ({
  ...topic,
  partitions: topic.partitions.map((partition) =>
    partition.errorCode === 0 ? { partitionIndex: partition.partitionIndex, errorCode } : partition,
  ),
});

const allRefused = ({ topics }: OffsetCommitRequest, errorCode: number): OffsetCommitResponse => ({
  throttleTimeMs: 0,
  topics: topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  })),
});

export const offsetCommitHandler = handler(offsetCommit, { served: { min: 2, max: 10 } }, commit);
