import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, brokerId, int16, int32, partitionIndex, string } from "../schema.ts";

/*
 * ListPartitionReassignments: what is under way (KIP-455).
 */

const request = {
  timeoutMs: int32.default(60000),
  /** Null asks for all. */
  topics: array({
    name: string,
    partitionIndexes: array(partitionIndex),
  })
    .nullable()
    .default(null),
};

const response = {
  throttleTimeMs: int32,
  errorCode: int16,
  errorMessage: string.nullable(),
  topics: array({
    name: string,
    partitions: array({
      partitionIndex,
      replicas: array(brokerId),
      addingReplicas: array(brokerId),
      removingReplicas: array(brokerId),
    }),
  }),
};

export type ListPartitionReassignmentsRequest = Infer<typeof request>;
export type ListPartitionReassignmentsResponse = Draft<typeof response>;

export const listPartitionReassignments = defineApi({
  key: 46,
  name: "ListPartitionReassignments",
  versions: { min: 0, max: 0 },
  flexibleFrom: 0,
  request,
  response,
});
