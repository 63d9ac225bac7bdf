import { apiVersions, type ApiVersionsRequest, type ApiVersionsResponse } from "../wire/apis/18-api-versions.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { type Call, type Handler, handler, type Versions } from "./handler.ts";

/*
 * ApiVersions: 0–5. Any other version is answered in version 0 with UNSUPPORTED_VERSION and the range of this one key,
 * its body unread, so that every client can come to terms (KIP-511).
 *
 * Behaviour: names of client software are checked as Kafka does; from v5 a client that means another cluster or
 * another broker is told REBOOTSTRAP_REQUIRED (KIP-1242): addresses are used again on Kubernetes.
 *
 * Left out: finalized features; there are none (epoch 0, so that clients do not take it for "unknown").
 */

const VERSIONS: Versions = { min: 0, max: 5 };
const NAMES_SINCE = 3;
const NO_NODE = -1;
const SOFTWARE = /^[a-zA-Z0-9](?:[a-zA-Z0-9\-.]*[a-zA-Z0-9])?$/;

function errorOf(request: ApiVersionsRequest, version: number, broker: BrokerContext): number {
  const { clientSoftwareName, clientSoftwareVersion, clusterId, nodeId } = request;
  if (version >= NAMES_SINCE && !(SOFTWARE.test(clientSoftwareName) && SOFTWARE.test(clientSoftwareVersion))) {
    return kafkaErrors.INVALID_REQUEST;
  }
  const isOtherCluster = clusterId !== null && clusterId !== broker.clusterId;
  const isOtherBroker = nodeId !== NO_NODE && nodeId !== broker.brokerId;
  return isOtherCluster || isOtherBroker ? kafkaErrors.REBOOTSTRAP_REQUIRED : 0;
}

/** `others`: every other handler; what they serve is what is told. */
export function apiVersionsHandler(others: readonly Handler[]): Handler {
  const apiKeys = [
    ...others.map(({ api, advertised }) => range(api.key, advertised)),
    range(apiVersions.key, VERSIONS),
  ];
  apiKeys.sort((a, b) => a.apiKey - b.apiKey);
  return handler(apiVersions, { served: VERSIONS }, (request, call: Call<ApiVersionsResponse>, broker) => {
    const errorCode = errorOf(request, call.header.apiVersion, broker);
    call.answer({ errorCode, apiKeys: errorCode === 0 ? apiKeys : [], throttleTimeMs: 0, finalizedFeaturesEpoch: 0 });
  });
}

const range = (apiKey: number, { min, max }: Versions): { apiKey: number; minVersion: number; maxVersion: number } => ({
  apiKey,
  minVersion: min,
  maxVersion: max,
});

/** The answer, in version 0, to a version that is not served. */
export const apiVersionsRefusal: ApiVersionsResponse = {
  errorCode: kafkaErrors.UNSUPPORTED_VERSION,
  apiKeys: [range(apiVersions.key, VERSIONS)],
};
