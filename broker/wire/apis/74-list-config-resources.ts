import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, int8, string } from "../schema.ts";

/*
 * ListConfigResources: names of what has configuration. v0 is about client metrics alone (KIP-714); v1 about the types
 * that it names, all of them when it names none (KIP-1142).
 */

const request = {
  resourceTypes: array(int8).since(1),
};

const response = {
  throttleTimeMs: int32,
  errorCode: int16,
  configResources: array({
    resourceName: string,
    resourceType: int8.since(1).default(16).ignorable(),
  }),
};

export type ListConfigResourcesRequest = Infer<typeof request>;
export type ListConfigResourcesResponse = Draft<typeof response>;

export const listConfigResources = defineApi({
  key: 74,
  name: "ListConfigResources",
  versions: { min: 0, max: 1 },
  flexibleFrom: 0,
  request,
  response,
});
