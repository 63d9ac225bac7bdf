import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, int16, int32, int8, string } from "../schema.ts";

/*
 * AlterConfigs: sets the whole of a resource's configs. v1 is as v0; v2 is flexible.
 */

const request = {
  resources: array({
    resourceType: int8,
    resourceName: string,
    configs: array({ name: string, value: string.nullable() }),
  }),
  validateOnly: boolean,
};

const response = {
  throttleTimeMs: int32,
  responses: array({
    errorCode: int16,
    errorMessage: string.nullable(),
    resourceType: int8,
    resourceName: string,
  }),
};

export type AlterConfigsRequest = Infer<typeof request>;
export type AlterConfigsResponse = Draft<typeof response>;

export const alterConfigs = defineApi({
  key: 33,
  name: "AlterConfigs",
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request,
  response,
});
