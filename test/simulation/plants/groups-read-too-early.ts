import type { isReadyToRead as original } from "../../../broker/groups/ready-to-read.ts";

export const isReadyToRead: typeof original = (replica, epoch) =>
  replica.role === "leader" && replica.leaderEpoch === epoch;
