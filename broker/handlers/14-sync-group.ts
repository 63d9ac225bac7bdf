import { syncGroup, type SyncGroupRequest, type SyncGroupResponse } from "../wire/apis/14-sync-group.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { BrokerContext } from "./context.ts";
import { findGroup } from "./group-calls.ts";
import { type Call, handler } from "./handler.ts";

/*
 * SyncGroup: 0–5, at the group's coordinator.
 *
 * Behaviour: answered once the leader's assignments are committed to `__consumer_offsets`. From v5 on the member has to
 * name protocol type and protocol (KIP-559).
 */

const NAMES_PROTOCOL_SINCE = 5;

function sync(request: SyncGroupRequest, call: Call<SyncGroupResponse>, broker: BrokerContext): void {
  const { groupId, groupInstanceId: instanceId, protocolType, protocolName } = request;
  const refuse = (errorCode: number): void =>
    call.answer({ throttleTimeMs: 0, errorCode, assignment: new Uint8Array(0) });
  const found = findGroup(broker, groupId);
  if (found.kind === "refused") return refuse(found.errorCode);
  const namesProtocol = protocolType !== null && protocolName !== null;
  if (call.header.apiVersion >= NAMES_PROTOCOL_SINCE && !namesProtocol) {
    return refuse(kafkaErrors.INCONSISTENT_GROUP_PROTOCOL);
  }
  found.partition.sync(groupId, { ...request, instanceId }, (answer) => call.answer({ throttleTimeMs: 0, ...answer }));
}

export const syncGroupHandler = handler(syncGroup, { served: { min: 0, max: 5 } }, sync);
