import {
  describeCluster,
  type DescribeClusterRequest,
  type DescribeClusterResponse,
} from "../wire/apis/60-describe-cluster.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { CLUSTER_OPERATIONS, NOT_ASKED } from "./authorized-operations.ts";
import type { BrokerContext } from "./context.ts";
import { handler } from "./handler.ts";
import { controllerOf, endpointOf, listedBrokers } from "./leaders.ts";

/*
 * DescribeCluster: 0–2. Brokers only: the controller has no Kafka port, so asking for controllers is refused.
 */

const BROKERS = 1;
const CONTROLLERS = 2;

function describe(request: DescribeClusterRequest, listener: string, broker: BrokerContext): DescribeClusterResponse {
  const { endpointType, includeClusterAuthorizedOperations, includeFencedBrokers } = request;
  const clusterId = broker.clusterId;
  if (endpointType !== BROKERS) {
    const isKnown = endpointType === CONTROLLERS;
    const errorCode = isKnown ? kafkaErrors.MISMATCHED_ENDPOINT_TYPE : kafkaErrors.UNSUPPORTED_ENDPOINT_TYPE;
    const errorMessage = "only brokers can be described (endpoint type 1)";
    return { throttleTimeMs: 0, errorCode, errorMessage, endpointType, clusterId, brokers: [] };
  }
  const rows = broker.image.brokers().filter(({ isFenced }) => includeFencedBrokers || !isFenced);
  const brokers = rows.flatMap((row) => {
    const endpoint = endpointOf(row, listener);
    if (endpoint === undefined) return [];
    const { host, port } = endpoint;
    return [{ brokerId: row.id, host, port, rack: row.rack, isFenced: row.isFenced }];
  });
  return {
    throttleTimeMs: 0,
    errorCode: 0,
    endpointType,
    clusterId,
    controllerId: controllerOf(broker, listedBrokers(broker, listener)),
    brokers,
    clusterAuthorizedOperations: includeClusterAuthorizedOperations ? CLUSTER_OPERATIONS : NOT_ASKED,
  };
}

export const describeClusterHandler = handler(
  describeCluster,
  { served: { min: 0, max: 2 } },
  (request, call, broker) => call.answer(describe(request, call.listener, broker)),
);
