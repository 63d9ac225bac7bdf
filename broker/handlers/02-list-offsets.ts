import { type LeaderEpoch, NO_EPOCH, type Offset, type PartitionIndex, type TimestampMs } from "../base/ids.ts";
import { listOffsets, type ListOffsetsRequest, type ListOffsetsResponse } from "../wire/apis/02-list-offsets.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { repeated } from "./admin-calls.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, handler } from "./handler.ts";
import { findLeader, topicByName } from "./leaders.ts";
import type { FoundOffset, HostedReplica } from "./replicas.ts";

/*
 * ListOffsets: 1–11.
 *
 * Behaviour: only below the high watermark, for every replica id. "Latest" right after an election, before the high
 * watermark has reached the start of the leader's epoch, is OFFSET_NOT_AVAILABLE (LEADER_NOT_AVAILABLE before v5).
 * A timestamp gives the first record that is not older, by its exact offset.
 *
 * Left out: tiered storage. The earliest local offset is the earliest; the last tiered offset and the earliest that
 * awaits upload do not exist (offset −1).
 */

type Partition = ListOffsetsRequest["topics"][number]["partitions"][number];
type PartitionAnswer = ListOffsetsResponse["topics"][number]["partitions"][number];

/** Timestamps that are none, and the first version that knows them. */
const special = {
  latest: { timestamp: -1, since: 1 },
  earliest: { timestamp: -2, since: 1 },
  greatestTimestamp: { timestamp: -3, since: 7 },
  earliestLocal: { timestamp: -4, since: 8 },
  lastTiered: { timestamp: -5, since: 9 },
  earliestPendingUpload: { timestamp: -6, since: 11 },
} as const;
const SINCE: ReadonlyMap<number, number> = new Map(
  Object.values(special).map(({ timestamp, since }) => [timestamp, since]),
);
const OFFSET_NOT_AVAILABLE_SINCE = 5;
const EPOCHS_SINCE = 4;

async function list(
  request: ListOffsetsRequest,
  call: Call<ListOffsetsResponse>,
  broker: BrokerContext,
): Promise<void> {
  const twice = repeated(
    request.topics.flatMap(({ name, partitions }) => partitions.map((one) => `${name} ${one.partitionIndex}`)),
  );
  const topics: { name: string; partitions: PartitionAnswer[] }[] = [];
  for (const { name, partitions } of request.topics) {
    const answers: PartitionAnswer[] = [];
    for (const partition of partitions) {
      const isRepeated = twice.has(`${name} ${partition.partitionIndex}`);
      answers.push(
        isRepeated
          ? refusal(partition.partitionIndex, kafkaErrors.INVALID_REQUEST)
          : await listOne(broker, name, { partition, version: call.header.apiVersion }),
      );
    }
    topics.push({ name, partitions: answers });
  }
  call.answer({ throttleTimeMs: 0, topics });
}

async function listOne(
  broker: BrokerContext,
  name: string,
  { partition, version }: { partition: Partition; version: number },
): Promise<PartitionAnswer> {
  const { partitionIndex, currentLeaderEpoch, timestamp } = partition;
  if (timestamp < 0 && version < (SINCE.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return refusal(partitionIndex, kafkaErrors.UNSUPPORTED_VERSION);
  }
  const target = { partition: partitionIndex, leaderEpoch: currentLeaderEpoch };
  const found = findLeader(broker, topicByName(broker, name), target);
  if (found.kind === "refused") return refusal(partitionIndex, found.errorCode);
  try {
    const answer = await find(found.replica, partition, version);
    return version >= EPOCHS_SINCE ? answer : { ...answer, leaderEpoch: NO_EPOCH };
  } catch (error) {
    // A log that was closed or cut under the search belongs to a replica that leads no more.
    if (found.replica.role !== "leader") return refusal(partitionIndex, kafkaErrors.NOT_LEADER_OR_FOLLOWER);
    broker.logger.error("offsets could not be read", { topic: name, partition: partitionIndex, error: String(error) });
    return refusal(partitionIndex, kafkaErrors.KAFKA_STORAGE_ERROR);
  }
}

async function find(replica: HostedReplica, partition: Partition, version: number): Promise<PartitionAnswer> {
  const { partitionIndex, timestamp } = partition;
  const { log } = replica;
  switch (timestamp) {
    case special.latest.timestamp: {
      if (replica.isReadyAsLeader) return success(partitionIndex, at(replica.highWatermark, replica.leaderEpoch));
      const isKnown = version >= OFFSET_NOT_AVAILABLE_SINCE;
      return refusal(partitionIndex, isKnown ? kafkaErrors.OFFSET_NOT_AVAILABLE : kafkaErrors.LEADER_NOT_AVAILABLE);
    }
    case special.earliest.timestamp:
    case special.earliestLocal.timestamp: {
      // An empty log has no epoch at its start: the one that its next record will get is the current one.
      const isEmpty = log.logStart >= log.logEnd;
      return success(partitionIndex, at(log.logStart, isEmpty ? replica.leaderEpoch : log.epochAt(log.logStart)));
    }
    case special.lastTiered.timestamp:
    case special.earliestPendingUpload.timestamp:
      return success(partitionIndex, null);
    case special.greatestTimestamp.timestamp:
      return success(partitionIndex, below(replica, await log.offsetOfMaxTimestamp()));
    default:
      return success(partitionIndex, below(replica, await log.offsetForTimestamp(timestamp as TimestampMs)));
  }
}

const NO_TIMESTAMP = -1 as TimestampMs;
const NO_OFFSET = -1 as Offset;

const at = (offset: Offset, leaderEpoch: LeaderEpoch): FoundOffset => ({
  offset,
  timestampMs: NO_TIMESTAMP,
  leaderEpoch,
});

/** What is not committed does not exist for clients. */
const below = (replica: HostedReplica, found: FoundOffset | null): FoundOffset | null =>
  found !== null && found.offset < replica.highWatermark ? found : null;

const success = (partitionIndex: PartitionIndex, found: FoundOffset | null): PartitionAnswer => ({
  partitionIndex,
  errorCode: 0,
  timestamp: found?.timestampMs ?? NO_TIMESTAMP,
  offset: found?.offset ?? NO_OFFSET,
  leaderEpoch: found?.leaderEpoch ?? NO_EPOCH,
});

const refusal = (partitionIndex: PartitionIndex, errorCode: number): PartitionAnswer => ({
  ...success(partitionIndex, null),
  errorCode,
});

export const listOffsetsHandler = handler(listOffsets, { served: { min: 1, max: 11 } }, list);
