import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, string } from "../schema.ts";

/*
 * DeleteGroups: removes empty groups and their offsets. v2 is flexible; v3 has messages (KIP-1043).
 */

const request = { groupsNames: array(string) };

const response = {
  throttleTimeMs: int32,
  results: array({
    groupId: string,
    errorCode: int16,
    errorMessage: string.since(3).nullable(3).default(null).ignorable(),
  }),
};

export type DeleteGroupsRequest = Infer<typeof request>;
export type DeleteGroupsResponse = Draft<typeof response>;

export const deleteGroups = defineApi({
  key: 42,
  name: "DeleteGroups",
  versions: { min: 0, max: 3 },
  flexibleFrom: 2,
  request,
  response,
});
