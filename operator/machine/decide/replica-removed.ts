import { type Decision, decided } from "../decision.ts";
import type { Event } from "../events.ts";
import { revised } from "../partition-election.ts";
import { partitionOf, type State } from "../state.ts";

/**
 * A removed replica's data is gone. It counts only under the leader epoch that it was said in: each removal begins a
 * new one, so that what was said of an earlier removal says nothing of a later.
 */
export function decideReplicaRemoved(state: State, event: Extract<Event, { kind: "replicaRemoved" }>): Decision {
  const row = partitionOf(state, event.partition);
  if (row === null || row.leaderEpoch !== event.leaderEpoch || !row.removed.includes(event.broker)) return decided([]);
  const removed = row.removed.filter((broker) => broker !== event.broker);
  return decided([{ kind: "partition", row: revised(row, { removed }) }]);
}
