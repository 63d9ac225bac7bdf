import { mayJoinIsr as original } from "../../../broker/replication/may-join-isr.ts";
import type { Offset } from "../../../broker/base/ids.ts";

export const mayJoinIsr: typeof original = (candidate, { highWatermark }) =>
  original({ ...candidate, isLagging: false }, { highWatermark, epochStart: 0 as Offset });
