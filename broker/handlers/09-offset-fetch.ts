import type { LeaderEpoch, Offset, PartitionIndex, TopicId } from "../base/ids.ts";
import { NO_TOPIC_ID } from "../base/ids.ts";
import type { CommittedOffsets } from "../groups/committed-offsets.ts";
import type { CommittedOffset } from "../groups/group-records.ts";
import { offsetFetch, type OffsetFetchRequest, type OffsetFetchResponse } from "../wire/apis/09-offset-fetch.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";

/*
 * OffsetFetch: 1–10, at the group's coordinator.
 *
 * Behaviour: an offset of −1 says that nothing was committed; also of groups and partitions that do not exist, and of
 * a topic that was deleted and made again since. Null
 * topics (v2 and later) ask for everything that was committed. There are no transactions that could leave an offset
 * unstable.
 */

type Group = OffsetFetchResponse["groups"][number];
type Partition = Group["topics"][number]["partitions"][number];

interface Asked {
  readonly name: string;
  readonly topicId: TopicId;
  readonly partitionIndexes: readonly number[];
}

const SEVERAL_SINCE = 8;
const BY_ID_SINCE = 10;
const WHOLE_ERROR_SINCE = 2;

function fetch(request: OffsetFetchRequest, call: Call<OffsetFetchResponse>, broker: BrokerContext): void {
  const version = call.header.apiVersion;
  if (version >= SEVERAL_SINCE) {
    const groups = request.groups.map(({ groupId, topics }) => {
      return offsetsOf(broker, { groupId, topics, isById: version >= BY_ID_SINCE });
    });
    return call.answer({ throttleTimeMs: 0, topics: [], errorCode: 0, groups });
  }
  const asked = request.topics?.map((topic) => ({ ...topic, topicId: NO_TOPIC_ID })) ?? null;
  const { topics, errorCode = 0 } = offsetsOf(broker, { groupId: request.groupId, topics: asked, isById: false });
  // Before v2 there is no error of the whole: every partition says it.
  const told = version < WHOLE_ERROR_SINCE && errorCode !== 0 ? refusedTopics(asked ?? [], errorCode) : topics;
  const named = told.map(({ name = "", partitions }) => ({ name, partitions }));
  call.answer({ throttleTimeMs: 0, topics: named, errorCode, groups: [] });
}

function offsetsOf(
  broker: BrokerContext,
  { groupId, topics, isById }: { groupId: string; topics: readonly Asked[] | null; isById: boolean },
): Group {
  const found = findGroup(broker, groupId, { mayBeUnnamed: true });
  if (found.kind === "refused") return { groupId, errorCode: found.errorCode, topics: [] };
  const offsets = found.partition.offsets(groupId);
  if (topics === null) return { groupId, errorCode: 0, topics: everything(broker, offsets, isById) };
  const told = topics.map(({ name, topicId, partitionIndexes }) => {
    const topic = isById ? broker.image.topic(topicId) : (broker.image.topicByName(name) ?? { name, topicId: null });
    const partitions = partitionIndexes.map((partition) =>
      topic === undefined
        ? partitionAnswer(partition, undefined, kafkaErrors.UNKNOWN_TOPIC_ID)
        : partitionAnswer(partition, ofTopic(topic.topicId, offsets?.get({ topic: topic.name, partition }))),
    );
    return { name, topicId, partitions };
  });
  return { groupId, errorCode: 0, topics: told };
}

/** Everything that a group has committed; by ids, of topics that still exist. */
function everything(broker: BrokerContext, offsets: CommittedOffsets | undefined, isById: boolean): Group["topics"] {
  return (offsets?.topics() ?? []).flatMap((name) => {
    const topicId = broker.image.topicByName(name)?.topicId;
    if (isById && topicId === undefined) return [];
    const current = [...offsets!.of(name)].filter(([, value]) => ofTopic(topicId ?? null, value) !== undefined);
    if (current.length === 0) return [];
    const partitions = current.map(([partition, value]) => partitionAnswer(partition, value));
    return [{ name, topicId: topicId ?? NO_TOPIC_ID, partitions }];
  });
}

/** What was committed for an earlier topic of the name counts no more; null: no topic has the name, as far as known. */
function ofTopic(topicId: TopicId | null, committed: CommittedOffset | undefined): CommittedOffset | undefined {
  const isOther = topicId !== null && committed !== undefined && committed.topicId !== NO_TOPIC_ID;
  return isOther && committed.topicId !== topicId ? undefined : committed;
}

function partitionAnswer(partition: number, committed: CommittedOffset | undefined, errorCode = 0): Partition {
  return {
    partitionIndex: partition as PartitionIndex,
    committedOffset: committed?.offset ?? (-1 as Offset),
    committedLeaderEpoch: committed?.leaderEpoch ?? (-1 as LeaderEpoch),
    metadata: committed?.metadata ?? "",
    errorCode,
  };
}

const refusedTopics = (topics: readonly Asked[], errorCode: number): Group["topics"] =>
  topics.map(({ name, topicId, partitionIndexes }) => ({
    name,
    topicId,
    partitions: partitionIndexes.map((partition) => partitionAnswer(partition, undefined, errorCode)),
  }));

export const offsetFetchHandler = handler(offsetFetch, { served: { min: 1, max: 10 } }, fetch);
