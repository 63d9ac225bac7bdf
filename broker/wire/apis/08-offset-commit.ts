import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, int64, leaderEpoch, offset, partitionIndex, string, topicId } from "../schema.ts";

/*
 * OffsetCommit. v2–4 name a retention, which Kafka has ignored since 2.1; v6 carries the leader epoch of the record
 * consumed; v7 knows static members (KIP-345); v8 is flexible; v9 is for KIP-848; v10 names topics by their ids.
 */

const request = {
  groupId: string,
  generationIdOrMemberEpoch: int32.since(1).default(-1).ignorable(),
  memberId: string.since(1).ignorable(),
  groupInstanceId: string.since(7).nullable(7).default(null),
  retentionTimeMs: int64.since(2).until(4).default(-1).ignorable(),
  topics: array({
    name: string.until(9).ignorable(),
    topicId: topicId.since(10).ignorable(),
    partitions: array({
      partitionIndex,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch.since(6).default(-1).ignorable(),
      committedMetadata: string.nullable(),
    }),
  }),
};

const response = {
  throttleTimeMs: int32.since(3).ignorable(),
  topics: array({
    name: string.until(9).ignorable(),
    topicId: topicId.since(10).ignorable(),
    partitions: array({ partitionIndex, errorCode: int16 }),
  }),
};

export type OffsetCommitRequest = Infer<typeof request>;
export type OffsetCommitResponse = Draft<typeof response>;

export const offsetCommit = defineApi({
  key: 8,
  name: "OffsetCommit",
  versions: { min: 2, max: 10 },
  flexibleFrom: 8,
  request,
  response,
});
