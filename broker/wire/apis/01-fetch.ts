import { defineApi } from "../api.ts";
import { currentLeader, nodeEndpoints } from "../leader-hints.ts";
import type { Draft, Infer } from "../schema.ts";
import {
  array,
  brokerId,
  int16,
  int32,
  int64,
  int8,
  leaderEpoch,
  offset,
  partitionIndex,
  records,
  string,
  struct,
  topicId,
  uuid,
} from "../schema.ts";

/*
 * Fetch: reads record batches from partitions, waiting for them if asked to.
 * v4 has isolation levels; v5 the log start offset; v7 fetch sessions (KIP-227); v9 fences by leader epoch (KIP-320);
 * v11 racks (KIP-392); v12 is flexible and detects divergence (KIP-595); v13 names topics by id; v15 moves the replica
 * id into a tagged field (KIP-903); v16 hints at the new leader (KIP-951); v17 names the follower's folder (KIP-853);
 * v18 carries the follower's high watermark (KIP-1166).
 */

const request = {
  clusterId: string.since(12).nullable().default(null).tagged(0).ignorable(),
  /** -1 for a consumer. */
  replicaId: brokerId.until(14).default(-1),
  replicaState: struct({
    replicaId: brokerId.default(-1),
    replicaEpoch: int64.default(-1),
  })
    .since(15)
    .tagged(1),
  /** How long the broker may wait for `minBytes`. */
  maxWaitMs: int32,
  minBytes: int32,
  maxBytes: int32.default(0x7fff_ffff).ignorable(),
  /** 0 = read uncommitted, 1 = read committed. */
  isolationLevel: int8.default(0).ignorable(),
  /** 0 outside a fetch session. */
  sessionId: int32.since(7).default(0).ignorable(),
  sessionEpoch: int32.since(7).default(-1).ignorable(),
  topics: array({
    topic: string.until(12).ignorable(),
    topicId: topicId.since(13).ignorable(),
    partitions: array({
      partition: partitionIndex,
      currentLeaderEpoch: leaderEpoch.since(9).default(-1).ignorable(),
      fetchOffset: offset,
      /** Epoch of the record before `fetchOffset`; -1 if unknown. Lets the leader detect divergence. */
      lastFetchedEpoch: leaderEpoch.since(12).default(-1),
      logStartOffset: offset.since(5).default(-1).ignorable(),
      partitionMaxBytes: int32,
      replicaDirectoryId: uuid.since(17).tagged(0).ignorable(),
      highWatermark: offset.since(18).default(Number.MAX_SAFE_INTEGER).tagged(1).ignorable(),
    }),
  }),
  /** Partitions to drop from the fetch session. */
  forgottenTopicsData: array({
    topic: string.until(12).ignorable(),
    topicId: topicId.since(13).ignorable(),
    partitions: array(partitionIndex),
  }).since(7),
  rackId: string.since(11).default("").ignorable(),
};

const response = {
  throttleTimeMs: int32.ignorable(),
  errorCode: int16.since(7).ignorable(),
  sessionId: int32.since(7).default(0),
  responses: array({
    topic: string.until(12).ignorable(),
    topicId: topicId.since(13).ignorable(),
    partitions: array({
      partitionIndex,
      errorCode: int16,
      highWatermark: offset,
      lastStableOffset: offset.default(-1).ignorable(),
      logStartOffset: offset.since(5).default(-1).ignorable(),
      /** Where the fetcher's log stops agreeing with the leader's. */
      divergingEpoch: struct({
        epoch: leaderEpoch.default(-1),
        endOffset: offset.default(-1),
      })
        .since(12)
        .tagged(0),
      currentLeader: currentLeader.since(12).tagged(1),
      snapshotId: struct({
        endOffset: offset.default(-1),
        epoch: leaderEpoch.default(-1),
      })
        .since(12)
        .tagged(2),
      /** Transactions to skip when reading committed; null otherwise. */
      abortedTransactions: array({
        producerId: int64,
        firstOffset: offset,
      })
        .nullable()
        .ignorable(),
      /** Replica that the consumer had better read from; -1 for none. */
      preferredReadReplica: brokerId.since(11).default(-1),
      records,
    }),
  }),
  /** Where the leaders named above listen. */
  nodeEndpoints: nodeEndpoints.since(16).tagged(0),
};

export type FetchRequest = Infer<typeof request>;
export type FetchResponse = Draft<typeof response>;

export const fetch = defineApi({
  key: 1,
  name: "Fetch",
  versions: { min: 4, max: 18 },
  flexibleFrom: 12,
  request,
  response,
});
