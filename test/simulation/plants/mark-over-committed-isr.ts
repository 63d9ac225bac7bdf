import type { highWatermarkMembers as original } from "../../../broker/replication/high-watermark-members.ts";

export const highWatermarkMembers: typeof original = (state) => state.isr;
