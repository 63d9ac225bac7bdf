import { defineApi } from "../api.ts";
import { currentLeader, nodeEndpoints } from "../leader-hints.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, offset, partitionIndex, records, string, timestampMs, topicId } from "../schema.ts";

/*
 * Produce: appends record batches to partitions.
 * v4 allows KAFKA_STORAGE_ERROR; v5 adds the log start offset; v6 throttles after answering; v7 allows zstd;
 * v8 names the offending records; v9 is flexible; v10 hints at the new leader (KIP-951); v11 lets transactions abort
 * with better codes; v12 adds a partition to its transaction by itself (KIP-890); v13 names topics by id.
 * acks=0 has no response at all.
 */

const request = {
  /** Null unless the producer is transactional. */
  transactionalId: string.nullable().default(null),
  /** 0 = no answer, 1 = the leader has it, -1 = every in-sync replica has it. */
  acks: int16,
  /** How long the broker may wait for the in-sync replicas. */
  timeoutMs: int32,
  topicData: array({
    name: string.until(12).ignorable(),
    topicId: topicId.since(13).ignorable(),
    partitionData: array({
      index: partitionIndex,
      records,
    }),
  }),
};

const response = {
  responses: array({
    name: string.until(12).ignorable(),
    topicId: topicId.since(13).ignorable(),
    partitionResponses: array({
      index: partitionIndex,
      errorCode: int16,
      /** Offset of the first record of the batch; -1 with an error. */
      baseOffset: offset,
      /** The broker's time of the append under LogAppendTime, else -1. */
      logAppendTimeMs: timestampMs.default(-1).ignorable(),
      logStartOffset: offset.since(5).default(-1).ignorable(),
      /** Which records made the broker refuse the batch. */
      recordErrors: array({
        batchIndex: int32,
        batchIndexErrorMessage: string.nullable().default(null),
      })
        .since(8)
        .ignorable(),
      errorMessage: string.since(8).nullable().default(null).ignorable(),
      /** Set with NOT_LEADER_OR_FOLLOWER: who leads now. */
      currentLeader: currentLeader.since(10).tagged(0),
    }),
  }),
  throttleTimeMs: int32.default(0).ignorable(),
  /** Where the leaders named above listen. */
  nodeEndpoints: nodeEndpoints.since(10).tagged(0),
};

export type ProduceRequest = Infer<typeof request>;
export type ProduceResponse = Draft<typeof response>;

export const produce = defineApi({
  key: 0,
  name: "Produce",
  versions: { min: 3, max: 13 },
  flexibleFrom: 9,
  request,
  response,
});
