import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, int8, partitionIndex, string } from "../schema.ts";

/*
 * ElectLeaders: asks for preferred or unclean elections (KIP-183, KIP-460). v1 has election types; v2 is flexible.
 */

const request = {
  /** 0 = preferred, 1 = unclean. */
  electionType: int8.since(1),
  /** Null asks for all partitions. */
  topicPartitions: array({
    topic: string,
    partitions: array(partitionIndex),
  }).nullable(),
  timeoutMs: int32.default(60000),
};

const response = {
  throttleTimeMs: int32,
  errorCode: int16.since(1),
  replicaElectionResults: array({
    topic: string,
    partitionResult: array({
      partitionId: partitionIndex,
      errorCode: int16,
      errorMessage: string.nullable(),
    }),
  }),
};

export type ElectLeadersRequest = Infer<typeof request>;
export type ElectLeadersResponse = Draft<typeof response>;

export const electLeaders = defineApi({
  key: 43,
  name: "ElectLeaders",
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request,
  response,
});
