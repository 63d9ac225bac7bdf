import { defineApi } from "../api.ts";
import type { Draft, Infer } from "../schema.ts";
import { array, brokerId, int16, int32, int8, string } from "../schema.ts";

/*
 * FindCoordinator. v1 can ask for coordinators of transactions; v3 is flexible; v4 asks for several at once (KIP-699);
 * v5 may refuse transactions (KIP-890); v6 can ask for coordinators of share groups (KIP-932).
 */

const request = {
  key: string.until(3),
  /** 0 = consumer group, 1 = transaction, 2 = share group. */
  keyType: int8.since(1).default(0),
  coordinatorKeys: array(string).since(4),
};

const response = {
  throttleTimeMs: int32.since(1).ignorable(),
  errorCode: int16.until(3),
  errorMessage: string.since(1).until(3).nullable(1).ignorable(),
  nodeId: brokerId.until(3),
  host: string.until(3),
  port: int32.until(3),
  coordinators: array({
    key: string,
    nodeId: brokerId,
    host: string,
    port: int32,
    errorCode: int16,
    errorMessage: string.nullable(4).ignorable(),
  }).since(4),
};

export type FindCoordinatorRequest = Infer<typeof request>;
export type FindCoordinatorResponse = Draft<typeof response>;

export const findCoordinator = defineApi({
  key: 10,
  name: "FindCoordinator",
  versions: { min: 0, max: 6 },
  flexibleFrom: 3,
  request,
  response,
});
