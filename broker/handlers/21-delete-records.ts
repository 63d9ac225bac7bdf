import { NO_EPOCH, type Offset } from "../base/ids.ts";
import {
  deleteRecords,
  type DeleteRecordsRequest,
  type DeleteRecordsResponse,
} from "../wire/apis/21-delete-records.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";
import { isInternalTopic } from "./internal-topics.ts";
import { findLeader, topicByName } from "./leaders.ts";

/*
 * DeleteRecords: 0–2, at each partition's leader.
 *
 * Behaviour: records below the offset are hidden at once, whichever replica leads later; an answer without error says
 * that every in-sync replica hides them. Their segments go when retention looks, as long as nothing else is in them.
 * Topics that brokers write for themselves are refused.
 */

type Partition = DeleteRecordsRequest["topics"][number]["partitions"][number];
type Answer = DeleteRecordsResponse["topics"][number]["partitions"][number];

async function remove(
  request: DeleteRecordsRequest,
  call: Call<DeleteRecordsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const { timeoutMs } = request;
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(partitions.map((partition) => removeOne(broker, { name, partition, timeoutMs }))),
  }));
  call.answer({ throttleTimeMs: 0, topics: await Promise.all(topics) });
}

function removeOne(
  broker: BrokerContext,
  { name, partition, timeoutMs }: { name: string; partition: Partition; timeoutMs: number },
): Promise<Answer> {
  const { partitionIndex, offset } = partition;
  return new Promise((resolve) => {
    const done = (errorCode: number, lowWatermark = NO_OFFSET): void =>
      resolve({ partitionIndex, lowWatermark, errorCode });
    if (isInternalTopic(name)) return done(kafkaErrors.INVALID_TOPIC_EXCEPTION);
    const at = { partition: partitionIndex, leaderEpoch: NO_EPOCH };
    const found = findLeader(broker, topicByName(broker, name), at);
    if (found.kind === "refused") return done(found.errorCode);
    found.replica.deleteRecords(offset, { timeoutMs: Math.max(0, timeoutMs) }, done);
  });
}

const NO_OFFSET = -1 as Offset;

export const deleteRecordsHandler = handler(deleteRecords, { served: { min: 0, max: 2 } }, remove);
