import { type Decision, decided } from "../decision.ts";
import type { Event } from "../events.ts";
import { minInsyncReplicasOf } from "../min-isr.ts";
import { nextLeaderEpoch, revised } from "../partition-election.ts";
import { completed } from "../reassignment.ts";
import { isAvailable, partitionOf, type State } from "../state.ts";

/** The old leader holds its appends and the target has all of its log: leadership moves, if nothing else changed. */
export function decideHandOverAnswered(state: State, event: Extract<Event, { kind: "handOverAnswered" }>): Decision {
  const row = partitionOf(state, event.partition);
  const topic = state.topics.get(event.partition.topicId);
  const isPossible =
    row !== null &&
    topic !== undefined &&
    row.leader === event.broker &&
    row.leaderEpoch === event.leaderEpoch &&
    row.leader !== event.target &&
    row.isr.includes(event.target) &&
    isAvailable(state, event.target);
  if (!isPossible) return decided([], { kind: "moved", isMoved: false });
  const led = { ...row, leader: event.target, leaderEpoch: nextLeaderEpoch(row) };
  // Of a reassignment this may have been the last thing to wait for.
  const next = revised(row, completed(row, led, minInsyncReplicasOf(state, topic)));
  return decided([{ kind: "partition", row: next }], { kind: "moved", isMoved: true });
}
