import type { truncationPoint as original } from "../../../broker/replication/truncation.ts";

export const truncationPoint: typeof original = (follower) => ({ offset: follower.highWatermark, isLoss: false });
