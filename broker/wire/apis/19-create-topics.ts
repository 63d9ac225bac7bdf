import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, brokerId, int16, int32, int8, partitionIndex, string, topicId } from "../schema.ts";

/*
 * CreateTopics. v4 allows broker defaults for partitions and replication factor (-1); v5 is flexible and returns the
 * topic's configuration (KIP-525); v6 can be throttled; v7 returns the topic id.
 */

const request = {
  topics: array({
    name: string,
    /** -1 for the broker's default, or when `assignments` says it. */
    numPartitions: int32,
    /** -1 for the broker's default, or when `assignments` says it. */
    replicationFactor: int16,
    assignments: array({
      partitionIndex,
      brokerIds: array(brokerId),
    }),
    configs: array({
      name: string,
      value: string.nullable(),
    }),
  }),
  timeoutMs: int32.default(60000),
  validateOnly: boolean.default(false),
};

const response = {
  throttleTimeMs: int32.ignorable(),
  topics: array({
    name: string,
    topicId: topicId.since(7).ignorable(),
    errorCode: int16,
    errorMessage: string.nullable().ignorable(),
    topicConfigErrorCode: int16.since(5).tagged(0).ignorable(),
    numPartitions: int32.since(5).default(-1).ignorable(),
    replicationFactor: int16.since(5).default(-1).ignorable(),
    configs: array({
      name: string,
      value: string.nullable(),
      readOnly: boolean,
      configSource: int8.default(-1).ignorable(),
      isSensitive: boolean,
    })
      .since(5)
      .nullable()
      .ignorable(),
  }),
};

export type CreateTopicsRequest = Infer<typeof request>;
export type CreateTopicsResponse = Draft<typeof response>;

export const createTopics = defineApi({
  key: 19,
  name: "CreateTopics",
  versions: { min: 2, max: 7 },
  flexibleFrom: 5,
  request,
  response,
});
