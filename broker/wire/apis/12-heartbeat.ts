import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { int16, int32, string } from "../schema.ts";

/*
 * Heartbeat. v3 knows static members (KIP-345); v4 is flexible.
 */

const request = {
  groupId: string,
  generationId: int32,
  memberId: string,
  groupInstanceId: string.since(3).nullable(3).default(null),
};

const response = {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16,
};

export type HeartbeatRequest = Infer<typeof request>;
export type HeartbeatResponse = Draft<typeof response>;

export const heartbeat = defineApi({
  key: 12,
  name: "Heartbeat",
  versions: { min: 0, max: 4 },
  flexibleFrom: 4,
  request,
  response,
});
