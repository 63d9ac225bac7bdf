import { mayJoinIsr as original } from "../../../broker/replication/may-join-isr.ts";
import type { Offset } from "../../../broker/base/ids.ts";

export const mayJoinIsr: typeof original = (candidate, leader) =>
  original(candidate, { ...leader, epochStart: 0 as Offset });
