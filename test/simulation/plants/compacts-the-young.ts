import { cleanableCount as original } from "../../../broker/storage/compaction-plan.ts";

export * from "../../../broker/storage/compaction-plan.ts";

export const cleanableCount: typeof original = (closed, limits) => original(closed, { ...limits, minLagMs: 0 });
