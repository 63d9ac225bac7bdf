import type { LeaderEpoch } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { nextLeaderEpoch } from "./partition-election.ts";

/**
 * The epoch in which a broker leads on after its process was replaced. It is a new one: the earlier process may have
 * appended records in the old epoch that nobody has, and (epoch, offset) must name one record for ever.
 */
export const leaderEpochAfterRestart = (row: PartitionRow): LeaderEpoch => nextLeaderEpoch(row);
