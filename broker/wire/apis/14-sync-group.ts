import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, bytes, int16, int32, string } from "../schema.ts";

/*
 * SyncGroup. v3 knows static members (KIP-345); v4 is flexible; v5 names protocol type and protocol (KIP-559).
 */

const request = {
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: string.since(3).nullable(3).default(null),
  protocolType: string.since(5).nullable(5).default(null).ignorable(),
  protocolName: string.since(5).nullable(5).default(null).ignorable(),
  assignments: array({ memberId: string, assignment: bytes }),
};

const response = {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16,
  protocolType: string.since(5).nullable(5).default(null).ignorable(),
  protocolName: string.since(5).nullable(5).default(null).ignorable(),
  assignment: bytes,
};

export type SyncGroupRequest = Infer<typeof request>;
export type SyncGroupResponse = Draft<typeof response>;

export const syncGroup = defineApi({
  key: 14,
  name: "SyncGroup",
  versions: { min: 0, max: 5 },
  flexibleFrom: 4,
  request,
  response,
});
