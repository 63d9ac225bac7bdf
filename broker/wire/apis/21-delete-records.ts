import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, offset, partitionIndex, string } from "../schema.ts";

/*
 * DeleteRecords: everything below an offset (KIP-107). v1 is as v0; v2 is flexible.
 */

const request = {
  topics: array({
    name: string,
    /** −1: everything below the high watermark. */
    partitions: array({ partitionIndex, offset }),
  }),
  timeoutMs: int32,
};

const response = {
  throttleTimeMs: int32,
  topics: array({ name: string, partitions: array({ partitionIndex, lowWatermark: offset, errorCode: int16 }) }),
};

export type DeleteRecordsRequest = Infer<typeof request>;
export type DeleteRecordsResponse = Draft<typeof response>;

export const deleteRecords = defineApi({
  key: 21,
  name: "DeleteRecords",
  versions: { min: 0, max: 2 },
  flexibleFrom: 2,
  request,
  response,
});
