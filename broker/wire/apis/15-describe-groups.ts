import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, bytes, int16, int32, string } from "../schema.ts";

/*
 * DescribeGroups. v3 tells authorized operations (KIP-430); v4 knows static members; v5 is flexible; v6 answers
 * GROUP_ID_NOT_FOUND with a message where there is no such group (KIP-1043).
 */

const request = {
  groups: array(string),
  includeAuthorizedOperations: boolean.since(3),
};

const response = {
  throttleTimeMs: int32.since(1).ignorable(),
  groups: array({
    errorCode: int16,
    errorMessage: string.since(6).nullable(6).default(null),
    groupId: string,
    groupState: string,
    protocolType: string,
    protocolData: string,
    members: array({
      memberId: string,
      groupInstanceId: string.since(4).nullable(4).default(null).ignorable(),
      clientId: string,
      clientHost: string,
      memberMetadata: bytes,
      memberAssignment: bytes,
    }),
    authorizedOperations: int32.since(3).default(-0x8000_0000),
  }),
};

export type DescribeGroupsRequest = Infer<typeof request>;
export type DescribeGroupsResponse = Draft<typeof response>;

export const describeGroups = defineApi({
  key: 15,
  name: "DescribeGroups",
  versions: { min: 0, max: 6 },
  flexibleFrom: 5,
  request,
  response,
});
