import type { Offset } from "../../../broker/base/ids.ts";
import { cleanableCount as original } from "../../../broker/storage/compaction-plan.ts";

export * from "../../../broker/storage/compaction-plan.ts";

export const cleanableCount: typeof original = (closed, limits) =>
  original(closed, { ...limits, highWatermark: Number.MAX_SAFE_INTEGER as Offset });
