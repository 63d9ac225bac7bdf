import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, partitionIndex, string } from "../schema.ts";

/*
 * OffsetDelete: drops committed offsets of topics that the group does not read (KIP-496).
 */

const request = {
  groupId: string,
  topics: array({ name: string, partitions: array({ partitionIndex }) }),
};

const response = {
  errorCode: int16,
  throttleTimeMs: int32.ignorable(),
  topics: array({ name: string, partitions: array({ partitionIndex, errorCode: int16 }) }),
};

export type OffsetDeleteRequest = Infer<typeof request>;
export type OffsetDeleteResponse = Draft<typeof response>;

export const offsetDelete = defineApi({
  key: 47,
  name: "OffsetDelete",
  versions: { min: 0, max: 0 },
  flexibleFrom: Number.POSITIVE_INFINITY,
  request,
  response,
});
