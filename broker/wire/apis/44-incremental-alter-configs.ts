import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, int16, int32, int8, string } from "../schema.ts";

/*
 * IncrementalAlterConfigs: sets, deletes, appends to and subtracts from single configs (KIP-339). v1 is flexible.
 */

const request = {
  resources: array({
    resourceType: int8,
    resourceName: string,
    configs: array({
      name: string,
      /** 0 = set, 1 = delete, 2 = append, 3 = subtract. */
      configOperation: int8,
      value: string.nullable(),
    }),
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

export type IncrementalAlterConfigsRequest = Infer<typeof request>;
export type IncrementalAlterConfigsResponse = Draft<typeof response>;

export const incrementalAlterConfigs = defineApi({
  key: 44,
  name: "IncrementalAlterConfigs",
  versions: { min: 0, max: 1 },
  flexibleFrom: 1,
  request,
  response,
});
