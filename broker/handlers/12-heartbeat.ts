import { heartbeat, type HeartbeatRequest, type HeartbeatResponse } from "../wire/apis/12-heartbeat.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";

/*
 * Heartbeat: 0–4, at the group's coordinator.
 *
 * Behaviour: REBALANCE_IN_PROGRESS asks the member to join again; its session goes on meanwhile.
 */

function beat(request: HeartbeatRequest, call: Call<HeartbeatResponse>, broker: BrokerContext): void {
  const { groupId, memberId, generationId, groupInstanceId: instanceId } = request;
  const found = findGroup(broker, groupId);
  const errorCode =
    found.kind === "refused"
      ? found.errorCode
      : found.partition.heartbeat(groupId, { memberId, instanceId, generationId });
  call.answer({ throttleTimeMs: 0, errorCode });
}

export const heartbeatHandler = handler(heartbeat, { served: { min: 0, max: 4 } }, beat);
