import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, int16, int32, int8, string } from "../schema.ts";

/*
 * DescribeConfigs. v1 has synonyms; v3 types and documentation (KIP-569); v4 is flexible.
 */

const request = {
  resources: array({
    resourceType: int8,
    resourceName: string,
    /** Null asks for all. */
    configurationKeys: array(string).nullable(),
  }),
  includeSynonyms: boolean.default(false),
  includeDocumentation: boolean.since(3).default(false),
};

const response = {
  throttleTimeMs: int32,
  results: array({
    errorCode: int16,
    errorMessage: string.nullable(),
    resourceType: int8,
    resourceName: string,
    configs: array({
      name: string,
      value: string.nullable(),
      readOnly: boolean,
      configSource: int8.default(-1).ignorable(),
      isSensitive: boolean,
      synonyms: array({
        name: string,
        value: string.nullable(),
        source: int8,
      }).ignorable(),
      configType: int8.since(3).default(0).ignorable(),
      documentation: string.since(3).nullable().ignorable(),
    }),
  }),
};

export type DescribeConfigsRequest = Infer<typeof request>;
export type DescribeConfigsResponse = Draft<typeof response>;

export const describeConfigs = defineApi({
  key: 32,
  name: "DescribeConfigs",
  versions: { min: 1, max: 4 },
  flexibleFrom: 4,
  request,
  response,
});
