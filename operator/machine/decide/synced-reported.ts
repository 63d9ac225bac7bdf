import { type Decision, decided } from "../decision.ts";
import type { Event } from "../events.ts";
import { revised } from "../partition-election.ts";
import { partitionOf, type State, topicConfigOf } from "../state.ts";

/**
 * A leader says whether every ISR member has synced all that it has. Believed only while the setting demands it, and
 * only of the ISR that the leader saw: whoever joined meanwhile may hold what is not synced.
 */
export function decideSyncedReported(state: State, event: Extract<Event, { kind: "syncedReported" }>): Decision {
  const row = partitionOf(state, event.partition);
  const topic = state.topics.get(event.partition.topicId);
  if (row === null || topic === undefined) return decided([]);
  if (row.leader !== event.broker || row.leaderEpoch !== event.leaderEpoch) return decided([]);
  if (event.synced && row.partitionEpoch !== event.partitionEpoch) return decided([]);
  if (event.synced && topicConfigOf(state, topic).flushMessages !== 1) return decided([]);
  const next = revised(row, { synced: event.synced });
  return decided(next === row ? [] : [{ kind: "partition", row: next }]);
}
