import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, brokerId, int16, int32, leaderEpoch, offset, partitionIndex, string } from "../schema.ts";

/*
 * OffsetForLeaderEpoch: where an epoch ends in the leader's log (KIP-101, KIP-320). v3 names the replica that asks;
 * v4 is flexible.
 */

const request = {
  replicaId: brokerId.since(3).default(-2).ignorable(),
  topics: array({
    topic: string,
    partitions: array({
      partition: partitionIndex,
      currentLeaderEpoch: leaderEpoch.default(-1).ignorable(),
      leaderEpoch,
    }),
  }),
};

const response = {
  throttleTimeMs: int32.ignorable(),
  topics: array({
    topic: string,
    partitions: array({
      errorCode: int16,
      partition: partitionIndex,
      leaderEpoch: leaderEpoch.default(-1).ignorable(),
      endOffset: offset.default(-1),
    }),
  }),
};

export type OffsetForLeaderEpochRequest = Infer<typeof request>;
export type OffsetForLeaderEpochResponse = Draft<typeof response>;

export const offsetForLeaderEpoch = defineApi({
  key: 23,
  name: "OffsetForLeaderEpoch",
  versions: { min: 2, max: 4 },
  flexibleFrom: 4,
  request,
  response,
});
