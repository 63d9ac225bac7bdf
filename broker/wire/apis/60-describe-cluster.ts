import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, brokerId, int16, int32, int8, string } from "../schema.ts";

/*
 * DescribeCluster (KIP-700). v1 can ask for controllers (KIP-919); v2 lists fenced brokers.
 */

const request = {
  includeClusterAuthorizedOperations: boolean,
  /** 1 = brokers, 2 = controllers. */
  endpointType: int8.since(1).default(1),
  includeFencedBrokers: boolean.since(2),
};

const response = {
  throttleTimeMs: int32,
  errorCode: int16,
  errorMessage: string.nullable().default(null),
  endpointType: int8.since(1).default(1),
  clusterId: string,
  controllerId: brokerId.default(-1),
  brokers: array({
    brokerId,
    host: string,
    port: int32,
    rack: string.nullable().default(null),
    isFenced: boolean.since(2),
  }),
  clusterAuthorizedOperations: int32.default(-0x8000_0000),
};

export type DescribeClusterRequest = Infer<typeof request>;
export type DescribeClusterResponse = Draft<typeof response>;

export const describeCluster = defineApi({
  key: 60,
  name: "DescribeCluster",
  versions: { min: 0, max: 2 },
  flexibleFrom: 0,
  request,
  response,
});
