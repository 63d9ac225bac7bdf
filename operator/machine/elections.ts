import { NO_BROKER } from "#base/ids.ts";
import type { PartitionName } from "#contract/control.ts";
import type { Change } from "./changes.ts";
import { partitionOf, type State } from "./state.ts";

/** What the changes of a commit mean for leadership, for logs and counters. */
export interface Elections {
  /** Partitions that another leader, or the same in another epoch, leads now. */
  readonly elected: number;
  /** Partitions that lost their leader and wait. */
  readonly offline: number;
  /** Elected was a replica that was neither in sync nor eligible: acknowledged records may be gone. */
  readonly unclean: readonly PartitionName[];
}

export function electionsOf(before: State, changes: readonly Change[]): Elections {
  let elected = 0;
  let offline = 0;
  const unclean: PartitionName[] = [];
  for (const change of changes) {
    if (change.kind !== "partition") continue;
    const { row } = change;
    const old = partitionOf(before, row);
    if (old === null || old.leaderEpoch === row.leaderEpoch) continue;
    if (row.leader === NO_BROKER) {
      offline++;
      continue;
    }
    elected++;
    const wasEligible = old.isr.includes(row.leader) || old.elr.includes(row.leader);
    if (!wasEligible) unclean.push({ topicId: row.topicId, partition: row.partition });
  }
  return { elected, offline, unclean };
}
