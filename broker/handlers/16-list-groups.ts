import { listGroups, type ListGroupsRequest, type ListGroupsResponse } from "../wire/apis/16-list-groups.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { handler } from "./handler.ts";

/*
 * ListGroups: 0–5, at every broker: each lists what it coordinates.
 *
 * Behaviour: COORDINATOR_LOAD_IN_PROGRESS while one of its partitions is still being read. All groups are of type
 * Classic. States and types are compared without their case.
 */

const CLASSIC = "Classic";

function list({ statesFilter, typesFilter }: ListGroupsRequest, broker: BrokerContext): ListGroupsResponse {
  const { partitions } = broker.groups;
  if (partitions.some(({ isLoaded }) => !isLoaded)) {
    return { throttleTimeMs: 0, errorCode: kafkaErrors.COORDINATOR_LOAD_IN_PROGRESS, groups: [] };
  }
  const groups = partitions
    .flatMap((partition) => partition.groups)
    .filter(({ state }) => names(statesFilter, state) && names(typesFilter, CLASSIC))
    .map(({ id, protocolType, state }) => ({
      groupId: id,
      protocolType: protocolType ?? "",
      groupState: state,
      groupType: CLASSIC,
    }));
  return { throttleTimeMs: 0, errorCode: 0, groups };
}

const names = (filter: readonly string[], value: string): boolean =>
  filter.length === 0 || filter.some((name) => name.toLowerCase() === value.toLowerCase());

export const listGroupsHandler = handler(listGroups, { served: { min: 0, max: 5 } }, (request, call, broker) =>
  call.answer(list(request, broker)),
);
