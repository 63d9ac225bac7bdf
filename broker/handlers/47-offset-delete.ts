import type { TopicPartition } from "../groups/committed-offsets.ts";
import { offsetDelete, type OffsetDeleteRequest, type OffsetDeleteResponse } from "../wire/apis/47-offset-delete.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";
import { topicByName } from "./leaders.ts";

/*
 * OffsetDelete: 0, at the group's coordinator.
 *
 * Behaviour: GROUP_SUBSCRIBED_TO_TOPIC for topics that members read now; NON_EMPTY_GROUP when it cannot be told what
 * they read.
 */

function remove(request: OffsetDeleteRequest, call: Call<OffsetDeleteResponse>, broker: BrokerContext): void {
  const { groupId, topics } = request;
  const refuse = (errorCode: number): void => call.answer({ errorCode, throttleTimeMs: 0, topics: [] });
  const found = findGroup(broker, groupId);
  if (found.kind === "refused") return refuse(found.errorCode);
  const asked = topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partitionIndex }) => ({ topic: name, partition: partitionIndex as number })),
  );
  const isThere = ({ topic, partition }: TopicPartition): boolean => {
    const row = topicByName(broker, topic).topic;
    return row !== undefined && broker.image.partitions(row.topicId)[partition] !== undefined;
  };
  const known = asked.filter(isThere);
  found.partition.deleteOffsets(groupId, known, (errors) => {
    if (typeof errors === "number") return refuse(errors);
    const byName = new Map(known.map(({ topic, partition }, at) => [`${topic}/${partition}`, errors[at] ?? 0]));
    const told = topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map(({ partitionIndex }) => ({
        partitionIndex,
        errorCode: byName.get(`${name}/${partitionIndex}`) ?? kafkaErrors.UNKNOWN_TOPIC_OR_PARTITION,
      })),
    }));
    call.answer({ errorCode: 0, throttleTimeMs: 0, topics: told });
  });
}

export const offsetDeleteHandler = handler(offsetDelete, { served: { min: 0, max: 0 } }, remove);
