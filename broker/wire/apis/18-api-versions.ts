import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, boolean, int16, int32, int64, string } from "../schema.ts";

/*
 * ApiVersions: what this broker serves, and its features.
 * The response's header is v0 in every version, so that a client which guessed too high a version can read the refusal
 * (KIP-511). v3 is flexible and names the client; v4 allows features whose least version is 0; v5 lets the client say
 * which cluster and broker it means to talk to (KIP-1242).
 */

const request = {
  clientSoftwareName: string.since(3).ignorable(),
  clientSoftwareVersion: string.since(3).ignorable(),
  clusterId: string.since(5).nullable().default(null).ignorable(),
  nodeId: int32.since(5).default(-1).ignorable(),
};

const response = {
  errorCode: int16,
  apiKeys: array({
    apiKey: int16,
    minVersion: int16,
    maxVersion: int16,
  }),
  throttleTimeMs: int32.since(1).ignorable(),
  /** Versions below 4 must leave out features whose least version is 0. */
  supportedFeatures: array({
    name: string,
    minVersion: int16,
    maxVersion: int16,
  })
    .since(3)
    .tagged(0)
    .ignorable(),
  /** -1 makes clients ignore `finalizedFeatures`. */
  finalizedFeaturesEpoch: int64.since(3).default(-1).tagged(1).ignorable(),
  finalizedFeatures: array({
    name: string,
    maxVersionLevel: int16,
    minVersionLevel: int16,
  })
    .since(3)
    .tagged(2)
    .ignorable(),
  zkMigrationReady: boolean.since(3).default(false).tagged(3).ignorable(),
};

export type ApiVersionsRequest = Infer<typeof request>;
export type ApiVersionsResponse = Draft<typeof response>;

export const apiVersions = defineApi({
  key: 18,
  name: "ApiVersions",
  versions: { min: 0, max: 5 },
  flexibleFrom: 3,
  request,
  response,
});
