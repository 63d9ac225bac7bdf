import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, string } from "../schema.ts";

/*
 * ListGroups. v3 is flexible; v4 filters by state and tells it (KIP-518); v5 filters by type and tells it (KIP-848).
 */

const request = {
  statesFilter: array(string).since(4),
  typesFilter: array(string).since(5),
};

const response = {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16,
  groups: array({
    groupId: string,
    protocolType: string,
    groupState: string.since(4).ignorable(),
    groupType: string.since(5).ignorable(),
  }),
};

export type ListGroupsRequest = Infer<typeof request>;
export type ListGroupsResponse = Draft<typeof response>;

export const listGroups = defineApi({
  key: 16,
  name: "ListGroups",
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request,
  response,
});
