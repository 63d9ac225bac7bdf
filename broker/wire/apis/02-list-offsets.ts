import { defineApi } from "../api.ts";
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
  string,
  timestampMs,
} from "../schema.ts";

/*
 * ListOffsets: finds the offset that belongs to a timestamp, or to one of the special negative ones.
 * v2 has isolation levels; v4 leader epochs; v6 is flexible; v7 adds the greatest timestamp (-3); v8 the earliest local
 * offset (-4); v9 the last tiered offset (-5); v10 a timeout; v11 the earliest offset awaiting upload (-6).
 */

const request = {
  replicaId: brokerId,
  isolationLevel: int8.since(2),
  topics: array({
    name: string,
    partitions: array({
      partitionIndex,
      currentLeaderEpoch: leaderEpoch.since(4).default(-1).ignorable(),
      /** Milliseconds since 1970, or -1 latest, -2 earliest, -3 greatest timestamp, -4 and lower: tiers. */
      timestamp: int64,
    }),
  }),
  timeoutMs: int32.since(10).ignorable(),
};

const response = {
  throttleTimeMs: int32.since(2).ignorable(),
  topics: array({
    name: string,
    partitions: array({
      partitionIndex,
      errorCode: int16,
      timestamp: timestampMs.default(-1),
      offset: offset.default(-1),
      leaderEpoch: leaderEpoch.since(4).default(-1),
    }),
  }),
};

export type ListOffsetsRequest = Infer<typeof request>;
export type ListOffsetsResponse = Draft<typeof response>;

export const listOffsets = defineApi({
  key: 2,
  name: "ListOffsets",
  versions: { min: 1, max: 11 },
  flexibleFrom: 6,
  request,
  response,
});
