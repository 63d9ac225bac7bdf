import type { LeaderEpoch } from "../base/ids.ts";
import type { CoordinatorReplica } from "./group-log.ts";

/**
 * Whether a coordinator can read everything that an earlier one was told: it leads in this very term, and a record of
 * this term is committed, so that nothing committed before lies above its high watermark.
 */
export const isReadyToRead = (replica: CoordinatorReplica, epoch: LeaderEpoch): boolean =>
  replica.role === "leader" && replica.leaderEpoch === epoch && replica.isReadyAsLeader;
