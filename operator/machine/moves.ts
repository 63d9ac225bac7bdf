import type { BrokerId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { Move } from "./decision.ts";
import { allPartitions, hasLeader, isAvailable, type State } from "./state.ts";

const moveOf = (row: PartitionRow, target: BrokerId): Move => ({
  topicId: row.topicId,
  partition: row.partition,
  leader: row.leader,
  leaderEpoch: row.leaderEpoch,
  target,
});

/** Where everything goes that a broker leads and somebody else in the ISR can lead. */
export function movesAwayFrom(state: State, broker: BrokerId): Move[] {
  const moves: Move[] = [];
  for (const { row } of allPartitions(state)) {
    if (row.leader !== broker) continue;
    const target = row.replicas.find(
      (replica) => replica !== broker && row.isr.includes(replica) && isAvailable(state, replica),
    );
    if (target !== undefined) moves.push(moveOf(row, target));
  }
  return moves;
}

/** Whether a partition is led by the first replica of its assignment, or could be. */
export type PreferredStanding =
  | { readonly kind: "leads" }
  | { readonly kind: "notAvailable" }
  | { readonly kind: "couldLead"; readonly move: Move };

export function preferredStanding(state: State, row: PartitionRow): PreferredStanding {
  const preferred = row.replicas[0]!;
  if (row.leader === preferred) return { kind: "leads" };
  const isPossible = hasLeader(row) && row.isr.includes(preferred) && isAvailable(state, preferred);
  return isPossible ? { kind: "couldLead", move: moveOf(row, preferred) } : { kind: "notAvailable" };
}

/** Leaderships to give back to preferred leaders. */
export function movesToPreferred(state: State): Move[] {
  const moves: Move[] = [];
  for (const { row } of allPartitions(state)) {
    const standing = preferredStanding(state, row);
    if (standing.kind === "couldLead") moves.push(standing.move);
  }
  return moves;
}
