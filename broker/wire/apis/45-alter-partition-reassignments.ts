import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, brokerId, int16, int32, partitionIndex, string } from "../schema.ts";

/*
 * AlterPartitionReassignments: begins and cancels reassignments (KIP-455). v1 can forbid another replication factor
 * (KIP-860).
 */

const request = {
  timeoutMs: int32.default(60000),
  allowReplicationFactorChange: boolean.since(1).default(true),
  topics: array({
    name: string,
    partitions: array({
      partitionIndex,
      /** Null cancels what is under way. */
      replicas: array(brokerId).nullable().default(null),
    }),
  }),
};

const response = {
  throttleTimeMs: int32,
  allowReplicationFactorChange: boolean.since(1).default(true).ignorable(),
  errorCode: int16,
  errorMessage: string.nullable(),
  responses: array({
    name: string,
    partitions: array({
      partitionIndex,
      errorCode: int16,
      errorMessage: string.nullable(),
    }),
  }),
};

export type AlterPartitionReassignmentsRequest = Infer<typeof request>;
export type AlterPartitionReassignmentsResponse = Draft<typeof response>;

export const alterPartitionReassignments = defineApi({
  key: 45,
  name: "AlterPartitionReassignments",
  versions: { min: 0, max: 1 },
  flexibleFrom: 0,
  request,
  response,
});
