import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, int16, int32, string, topicId } from "../schema.ts";

/*
 * DeleteTopics. v4 is flexible; v5 has error messages; v6 deletes by name or by topic id.
 */

const request = {
  /** Each by name or, with a null name, by topic id. */
  topics: array({
    name: string.nullable().default(null),
    topicId,
  }).since(6),
  topicNames: array(string).until(5).ignorable(),
  timeoutMs: int32,
};

const response = {
  throttleTimeMs: int32.ignorable(),
  responses: array({
    name: string.nullable(6),
    topicId: topicId.since(6).ignorable(),
    errorCode: int16,
    errorMessage: string.since(5).nullable().default(null).ignorable(),
  }),
};

export type DeleteTopicsRequest = Infer<typeof request>;
export type DeleteTopicsResponse = Draft<typeof response>;

export const deleteTopics = defineApi({
  key: 20,
  name: "DeleteTopics",
  versions: { min: 1, max: 6 },
  flexibleFrom: 4,
  request,
  response,
});
