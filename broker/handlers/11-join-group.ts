import { joinGroup, type JoinGroupRequest, type JoinGroupResponse } from "../wire/apis/11-join-group.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";

/*
 * JoinGroup: 0–9, at the group's coordinator.
 *
 * Behaviour: answered when the next generation begins. From v4 on a member without an id is given one first
 * (MEMBER_ID_REQUIRED); before v1 a member has as long to rejoin as its session may be silent.
 */

const ID_FIRST_SINCE = 4;
const SKIPS_SINCE = 9;
const NULL_NAME_SINCE = 7;

function join(request: JoinGroupRequest, call: Call<JoinGroupResponse>, broker: BrokerContext): void {
  const { memberId, sessionTimeoutMs } = request;
  const refuse = (errorCode: number): void => call.answer(refusal(errorCode, memberId));
  const found = findGroup(broker, request.groupId);
  if (found.kind === "refused") return refuse(found.errorCode);
  const { groupSessionTimeoutMinMs, groupSessionTimeoutMaxMs } = broker.config();
  if (sessionTimeoutMs < groupSessionTimeoutMinMs || sessionTimeoutMs > groupSessionTimeoutMaxMs) {
    return refuse(kafkaErrors.INVALID_SESSION_TIMEOUT);
  }
  const version = call.header.apiVersion;
  const joining = {
    memberId,
    instanceId: request.groupInstanceId,
    clientId: call.header.clientId ?? "",
    clientHost: call.remoteHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs < 0 ? sessionTimeoutMs : request.rebalanceTimeoutMs,
    protocolType: request.protocolType,
    protocols: request.protocols,
    takesIdFirst: version >= ID_FIRST_SINCE,
    canSkipAssignment: version >= SKIPS_SINCE,
  };
  found.partition.join(request.groupId, joining, (answer) => {
    // Before v7 a protocol has to be named, even where there is none.
    const protocolName = version >= NULL_NAME_SINCE ? answer.protocolName : (answer.protocolName ?? "");
    call.answer({ throttleTimeMs: 0, ...answer, protocolName });
  });
}

const refusal = (errorCode: number, memberId: string): JoinGroupResponse => ({
  throttleTimeMs: 0,
  errorCode,
  protocolName: "",
  leader: "",
  memberId,
  members: [],
});

export const joinGroupHandler = handler(joinGroup, { served: { min: 0, max: 9 } }, join);
