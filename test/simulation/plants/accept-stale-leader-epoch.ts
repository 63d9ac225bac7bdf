import type { leaderEpochStanding as original } from "../../../broker/replication/leader-epoch-check.ts";

export const leaderEpochStanding: typeof original = (epochs) =>
  epochs.named <= epochs.current ? "current" : "unknown";
