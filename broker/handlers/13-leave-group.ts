import { leaveGroup, type LeaveGroupRequest, type LeaveGroupResponse } from "../wire/apis/13-leave-group.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";

/*
 * LeaveGroup: 0–5, at the group's coordinator.
 *
 * Behaviour: from v3 on each member has an error of its own; before, the one member's is that of the answer. Static
 * members are named by their instances, with or without their ids.
 */

const SEVERAL_SINCE = 3;

function leave(request: LeaveGroupRequest, call: Call<LeaveGroupResponse>, broker: BrokerContext): void {
  const { groupId } = request;
  const found = findGroup(broker, groupId);
  if (found.kind === "refused") {
    return call.answer({ throttleTimeMs: 0, errorCode: found.errorCode, members: [] });
  }
  if (call.header.apiVersion < SEVERAL_SINCE) {
    const errorCode = found.partition.leave(groupId, { memberId: request.memberId, instanceId: null });
    return call.answer({ throttleTimeMs: 0, errorCode, members: [] });
  }
  const members = request.members.map(({ memberId, groupInstanceId }) => ({
    memberId,
    groupInstanceId,
    errorCode: found.partition.leave(groupId, { memberId, instanceId: groupInstanceId }),
  }));
  call.answer({ throttleTimeMs: 0, errorCode: 0, members });
}

export const leaveGroupHandler = handler(leaveGroup, { served: { min: 0, max: 5 } }, leave);
