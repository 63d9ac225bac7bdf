import type { AdminResponse, Outcome } from "#contract/control.ts";

function outcomesOf(response: AdminResponse): readonly Outcome[] {
  switch (response.kind) {
    case "createTopics":
    case "deleteTopics":
    case "createPartitions":
    case "ownTopics":
      return response.topics;
    case "alterConfigs":
      return response.resources;
    case "electLeaders":
    case "alterReassignments":
      return response.partitions;
    case "allocateProducerIds":
    case "listReassignments":
      return [];
    case "drainBroker":
    case "rebalance":
    case "setReplicationFactor":
    case "removeBroker":
    case "setRacks":
    case "failed":
      return [response];
  }
}

/** The first error of a response; null when all was done. */
export function problemOf(response: AdminResponse): string | null {
  const bad = outcomesOf(response).find(({ errorCode }) => errorCode !== 0);
  return bad === undefined ? null : (bad.errorMessage ?? `error ${bad.errorCode}`);
}
