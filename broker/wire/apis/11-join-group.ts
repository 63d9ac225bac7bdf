import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, bytes, int16, int32, string } from "../schema.ts";

/*
 * JoinGroup. v1 has a rebalance timeout of its own; from v4 on a member without an id is given one and asks again
 * (KIP-394); v5 knows static members (KIP-345); v6 is flexible; v7 tells the protocol type; v8 carries a reason
 * (KIP-800); v9 lets a leader keep its assignment (KIP-814).
 */

const request = {
  groupId: string,
  sessionTimeoutMs: int32,
  rebalanceTimeoutMs: int32.since(1).default(-1).ignorable(),
  memberId: string,
  groupInstanceId: string.since(5).nullable(5).default(null),
  protocolType: string,
  protocols: array({ name: string, metadata: bytes }),
  reason: string.since(8).nullable(8).default(null).ignorable(),
};

const response = {
  throttleTimeMs: int32.since(2).ignorable(),
  errorCode: int16,
  generationId: int32.default(-1),
  protocolType: string.since(7).nullable(7).default(null).ignorable(),
  protocolName: string.nullable(7),
  leader: string,
  skipAssignment: boolean.since(9).default(false),
  memberId: string,
  members: array({
    memberId: string,
    groupInstanceId: string.since(5).nullable(5).default(null).ignorable(),
    metadata: bytes,
  }),
};

export type JoinGroupRequest = Infer<typeof request>;
export type JoinGroupResponse = Draft<typeof response>;

export const joinGroup = defineApi({
  key: 11,
  name: "JoinGroup",
  versions: { min: 0, max: 9 },
  flexibleFrom: 6,
  request,
  response,
});
