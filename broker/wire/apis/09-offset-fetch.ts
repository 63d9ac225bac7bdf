import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, int16, int32, leaderEpoch, offset, partitionIndex, string, topicId } from "../schema.ts";

/*
 * OffsetFetch. v2 asks for everything with null topics and has an error of the whole; v5 carries leader epochs; v6 is
 * flexible; v7 can wait for transactions to end (KIP-447); v8 asks for several groups at once (KIP-709); v9 is for
 * KIP-848; v10 names topics by their ids.
 */

const partitions = array({
  partitionIndex,
  committedOffset: offset,
  committedLeaderEpoch: leaderEpoch.since(5).default(-1).ignorable(),
  metadata: string.nullable(),
  errorCode: int16,
});

const request = {
  groupId: string.until(7),
  topics: array({ name: string, partitionIndexes: array(int32) })
    .until(7)
    .nullable(2),
  groups: array({
    groupId: string,
    memberId: string.since(9).nullable(9).default(null).ignorable(),
    memberEpoch: int32.since(9).default(-1).ignorable(),
    topics: array({
      name: string.until(9).ignorable(),
      topicId: topicId.since(10).ignorable(),
      partitionIndexes: array(int32),
    }).nullable(8),
  }).since(8),
  requireStable: boolean.since(7).default(false),
};

const response = {
  throttleTimeMs: int32.since(3).ignorable(),
  topics: array({ name: string, partitions }).until(7),
  errorCode: int16.since(2).until(7).default(0).ignorable(),
  groups: array({
    groupId: string,
    topics: array({ name: string.until(9).ignorable(), topicId: topicId.since(10).ignorable(), partitions }),
    errorCode: int16.default(0),
  }).since(8),
};

export type OffsetFetchRequest = Infer<typeof request>;
export type OffsetFetchResponse = Draft<typeof response>;

export const offsetFetch = defineApi({
  key: 9,
  name: "OffsetFetch",
  versions: { min: 1, max: 10 },
  flexibleFrom: 6,
  request,
  response,
});
