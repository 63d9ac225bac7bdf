import type { Group } from "../groups/group-state.ts";
import {
  describeGroups,
  type DescribeGroupsRequest,
  type DescribeGroupsResponse,
} from "../wire/apis/15-describe-groups.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { GROUP_OPERATIONS } from "./authorized-operations.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";

/*
 * DescribeGroups: 0–6, at the groups' coordinator.
 *
 * Behaviour: a group that does not exist is Dead, and from v6 on GROUP_ID_NOT_FOUND. What members told about
 * themselves is shown once their protocol is chosen.
 */

type Described = DescribeGroupsResponse["groups"][number];

const NOT_FOUND_SINCE = 6;

function describe(request: DescribeGroupsRequest, call: Call<DescribeGroupsResponse>, broker: BrokerContext): void {
  const groups = request.groups.map((groupId) => {
    const described = describeOne(broker, groupId, call.header.apiVersion);
    const isShown = request.includeAuthorizedOperations && described.errorCode === 0;
    return isShown ? { ...described, authorizedOperations: GROUP_OPERATIONS } : described;
  });
  call.answer({ throttleTimeMs: 0, groups });
}

function describeOne(broker: BrokerContext, groupId: string, version: number): Described {
  const found = findGroup(broker, groupId, { mayBeUnnamed: true });
  if (found.kind === "refused") return without(groupId, { errorCode: found.errorCode });
  const group = found.partition.group(groupId);
  if (group !== undefined) return told(group);
  if (version < NOT_FOUND_SINCE) return without(groupId, { errorCode: 0, groupState: "Dead" });
  const errorMessage = `group ${groupId} does not exist`;
  return without(groupId, { errorCode: kafkaErrors.GROUP_ID_NOT_FOUND, errorMessage, groupState: "Dead" });
}

const without = (groupId: string, of: Pick<Described, "errorCode"> & Partial<Described>): Described => ({
  groupId,
  groupState: "",
  protocolType: "",
  protocolData: "",
  members: [],
  ...of,
});

function told(group: Group): Described {
  const protocol = group.state === "Stable" ? (group.protocol ?? "") : "";
  return {
    errorCode: 0,
    groupId: group.id,
    groupState: group.state,
    protocolType: group.protocolType ?? "",
    protocolData: protocol,
    members: group.members.map((member) => ({
      memberId: member.id,
      groupInstanceId: member.parts.instanceId,
      clientId: member.parts.clientId,
      clientHost: member.parts.clientHost,
      memberMetadata: member.metadataFor(protocol),
      memberAssignment: member.assignment,
    })),
  };
}

export const describeGroupsHandler = handler(describeGroups, { served: { min: 0, max: 6 } }, describe);
