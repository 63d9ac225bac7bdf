import type { Offset } from "../../../broker/base/ids.ts";
import type { countedEnd as original } from "../../../broker/replication/counted-end.ts";

export const countedEnd: typeof original = (log) => (log as unknown as { logEnd: Offset }).logEnd;
