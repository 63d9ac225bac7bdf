import { array, brokerId, int32, leaderEpoch, string, struct } from "./schema.ts";

/** Set with an error that says that another leads: who does now (KIP-951). */
export const currentLeader = struct({
  leaderId: brokerId.default(-1),
  leaderEpoch: leaderEpoch.default(-1),
});

/** Where the leaders named in an answer listen (KIP-951). */
export const nodeEndpoints = array({
  nodeId: brokerId,
  host: string,
  port: int32,
  rack: string.nullable().default(null),
});
