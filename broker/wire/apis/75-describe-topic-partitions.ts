import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import {
  array,
  boolean,
  brokerId,
  int16,
  int32,
  leaderEpoch,
  partitionIndex,
  string,
  struct,
  topicId,
} from "../schema.ts";

/*
 * DescribeTopicPartitions: partitions page by page, with their eligible leader replicas (KIP-966).
 */

const request = {
  topics: array({
    name: string,
  }),
  responsePartitionLimit: int32.default(2000),
  /** Where the page before ended; null for the first page. */
  cursor: struct({
    topicName: string,
    partitionIndex,
  })
    .nullable()
    .default(null),
};

const response = {
  throttleTimeMs: int32.ignorable(),
  topics: array({
    errorCode: int16,
    name: string.nullable(),
    topicId: topicId.ignorable(),
    isInternal: boolean.default(false).ignorable(),
    partitions: array({
      errorCode: int16,
      partitionIndex,
      leaderId: brokerId,
      leaderEpoch: leaderEpoch.default(-1).ignorable(),
      replicaNodes: array(brokerId),
      isrNodes: array(brokerId),
      eligibleLeaderReplicas: array(brokerId).nullable().default(null),
      lastKnownElr: array(brokerId).nullable().default(null),
      offlineReplicas: array(brokerId).ignorable(),
    }),
    topicAuthorizedOperations: int32.default(-0x8000_0000),
  }),
  /** Where the next page starts; null on the last one. */
  nextCursor: struct({
    topicName: string,
    partitionIndex,
  })
    .nullable()
    .default(null),
};

export type DescribeTopicPartitionsRequest = Infer<typeof request>;
export type DescribeTopicPartitionsResponse = Draft<typeof response>;

export const describeTopicPartitions = defineApi({
  key: 75,
  name: "DescribeTopicPartitions",
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  request,
  response,
});
