import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, brokerId, int16, int32, leaderEpoch, partitionIndex, string, topicId } from "../schema.ts";

/*
 * Metadata: brokers, topics, partitions, leaders.
 * v0 takes an empty list of topics for "all"; from v1 null is "all" and an empty list is "none". v4 may forbid
 * automatic creation; v7 has leader epochs; v8 authorized operations; v9 is flexible; v10 has topic ids; v12 asks by
 * topic id; v13 has an error code of its own, for a client that must find the cluster anew (KIP-1102).
 */

const request = {
  /** Null asks for all topics (v0: an empty list does). */
  topics: array({
    topicId: topicId.since(10).ignorable(),
    name: string.nullable(10),
  }).nullable(1),
  allowAutoTopicCreation: boolean.since(4).default(true),
  includeClusterAuthorizedOperations: boolean.since(8).until(10),
  includeTopicAuthorizedOperations: boolean.since(8),
};

const response = {
  throttleTimeMs: int32.since(3).ignorable(),
  brokers: array({
    nodeId: brokerId,
    host: string,
    port: int32,
    rack: string.since(1).nullable().default(null).ignorable(),
  }),
  clusterId: string.since(2).nullable().default(null).ignorable(),
  controllerId: brokerId.since(1).default(-1).ignorable(),
  topics: array({
    errorCode: int16,
    name: string.nullable(12),
    topicId: topicId.since(10).ignorable(),
    isInternal: boolean.since(1).default(false).ignorable(),
    partitions: array({
      errorCode: int16,
      partitionIndex,
      leaderId: brokerId,
      leaderEpoch: leaderEpoch.since(7).default(-1).ignorable(),
      replicaNodes: array(brokerId),
      isrNodes: array(brokerId),
      /** Replicas whose broker is not there. */
      offlineReplicas: array(brokerId).since(5).ignorable(),
    }),
    /** A bit set of operations; the least int32 means that it was not asked for. */
    topicAuthorizedOperations: int32.since(8).default(-0x8000_0000),
  }),
  clusterAuthorizedOperations: int32.since(8).until(10).default(-0x8000_0000),
  errorCode: int16.since(13).ignorable(),
};

export type MetadataRequest = Infer<typeof request>;
export type MetadataResponse = Draft<typeof response>;

export const metadata = defineApi({
  key: 3,
  name: "Metadata",
  versions: { min: 0, max: 13 },
  flexibleFrom: 9,
  request,
  response,
});
