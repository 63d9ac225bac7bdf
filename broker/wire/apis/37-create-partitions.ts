import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, brokerId, int16, int32, string } from "../schema.ts";

/*
 * CreatePartitions: adds partitions to a topic. v2 is flexible; v3 can be throttled.
 */

const request = {
  topics: array({
    name: string,
    /** Partitions that the topic is to have in all. */
    count: int32,
    assignments: array({
      brokerIds: array(brokerId),
    }).nullable(),
  }),
  timeoutMs: int32,
  validateOnly: boolean,
};

const response = {
  throttleTimeMs: int32,
  results: array({
    name: string,
    errorCode: int16,
    errorMessage: string.nullable().default(null),
  }),
};

export type CreatePartitionsRequest = Infer<typeof request>;
export type CreatePartitionsResponse = Draft<typeof response>;

export const createPartitions = defineApi({
  key: 37,
  name: "CreatePartitions",
  versions: { min: 0, max: 3 },
  flexibleFrom: 2,
  request,
  response,
});
