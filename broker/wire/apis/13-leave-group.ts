import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, string } from "../schema.ts";

/*
 * LeaveGroup. v3 removes several members at once, static ones by their instance ids (KIP-345); v4 is flexible; v5
 * carries a reason (KIP-800).
 */

const request = {
  groupId: string,
  memberId: string.until(2),
  members: array({
    memberId: string,
    groupInstanceId: string.nullable(3).default(null),
    reason: string.since(5).nullable(5).default(null).ignorable(),
  }).since(3),
};

const response = {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16,
  members: array({ memberId: string, groupInstanceId: string.nullable(3), errorCode: int16 }).since(3),
};

export type LeaveGroupRequest = Infer<typeof request>;
export type LeaveGroupResponse = Draft<typeof response>;

export const leaveGroup = defineApi({
  key: 13,
  name: "LeaveGroup",
  versions: { min: 0, max: 5 },
  flexibleFrom: 4,
  request,
  response,
});
