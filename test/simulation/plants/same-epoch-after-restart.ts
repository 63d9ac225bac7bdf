import type { leaderEpochAfterRestart as original } from "../../../operator/machine/restart-epoch.ts";

export const leaderEpochAfterRestart: typeof original = (row) => row.leaderEpoch;
