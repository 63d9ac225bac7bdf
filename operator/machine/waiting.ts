import type { BrokerId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { hasLeader, isAlive, type State } from "./state.ts";

/** True when nobody is left who surely has everything: the replicas' logs must be compared. */
export const needsComparison = (row: PartitionRow): boolean =>
  !hasLeader(row) && row.isr.length === 0 && row.elr.length === 0;

/**
 * Whom an offline partition waits for: one of those is enough while isr ∪ elr has members, all of them otherwise. When
 * every member came back with an empty disk there is nobody to wait for by rule; then all replicas are, so that the
 * fullest of what remains leads.
 */
export function waitsFor(state: State, row: PartitionRow): BrokerId[] {
  if (hasLeader(row)) return [];
  const eligible = [...row.isr, ...row.elr];
  if (eligible.length > 0) return eligible.filter((broker) => !isAlive(state, broker));
  const needed = row.lost.length > 0 ? row.lost : row.replicas;
  return needed.filter((broker) => !isAlive(state, broker));
}
