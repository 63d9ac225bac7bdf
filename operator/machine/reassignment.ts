import type { BrokerId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { settleMembership } from "./elr.ts";
import { withMinIsr } from "./min-isr-change.ts";
import { minIsrOf } from "./min-isr.ts";
import { nextLeaderEpoch, revised } from "./partition-election.ts";
import { hasLeader } from "./state.ts";
import { needsComparison } from "./waiting.ts";

export const isReassigning = ({ adding, removing }: PartitionRow): boolean => adding.length + removing.length > 0;

/** The assignment that a partition has, or is on its way to. The preferred leader comes first. */
export const targetOf = ({ replicas, removing }: PartitionRow): BrokerId[] =>
  replicas.filter((broker) => !removing.includes(broker));

/** The assignment that a partition has, or goes back to when its reassignment is cancelled. */
export const originalOf = ({ replicas, adding }: PartitionRow): BrokerId[] =>
  replicas.filter((broker) => !adding.includes(broker));

export const isSameAssignment = (a: readonly BrokerId[], b: readonly BrokerId[]): boolean =>
  a.length === b.length && a.every((broker, index) => broker === b[index]);

/**
 * Replicas leave the assignment, and a new leader epoch begins, though the leader stays: what they opened or stated
 * under an earlier row counts no more, should they be added again while their data is still being deleted.
 */
function withoutReplicas(row: PartitionRow, out: readonly BrokerId[]): PartitionRow {
  if (out.length === 0) return row;
  const stays = (broker: BrokerId): boolean => !out.includes(broker);
  return {
    ...row,
    replicas: row.replicas.filter(stays),
    adding: row.adding.filter(stays),
    removing: row.removing.filter(stays),
    isr: row.isr.filter(stays),
    elr: row.elr.filter(stays),
    lost: row.lost.filter(stays),
    removed: [...row.removed, ...out.filter((broker) => !row.removed.includes(broker))].sort((a, b) => a - b),
  };
}

/** Why a partition cannot go where it is told to. */
export type RetargetProblem =
  /** The leader is one of those that would go at once: its leadership has to be handed over before. */
  | "leaderWouldGo"
  /** Nobody who surely has everything would be left. */
  | "nobodyWouldBeLeft";

/**
 * The row under another target: what it lacks is added, what it has no use for leaves once the target is in sync.
 * Replicas that an earlier reassignment was adding and that the new target does not name go at once. A cancellation is
 * the same with the original assignment as target.
 *
 * @param target  ≥ 1 brokers, each once.
 * Source: KIP-455.
 */
export function retargeted(
  row: PartitionRow,
  target: readonly BrokerId[],
  minInsyncReplicas: number,
): PartitionRow | RetargetProblem {
  const original = originalOf(row);
  const dropped = row.adding.filter((broker) => !target.includes(broker));
  if (dropped.includes(row.leader)) return "leaderWouldGo";
  if (dropped.length > 0 && !canSpare(row, dropped)) return "nobodyWouldBeLeft";
  const adding = target.filter((broker) => !original.includes(broker));
  const removing = original.filter((broker) => !target.includes(broker));
  const base = withoutReplicas(row, dropped);
  const removed = base.removed.filter((broker) => !target.includes(broker));
  const aimed = { ...base, replicas: [...target, ...removing], adding, removing, removed };
  const next = sized(inOrder(row, aimed), minInsyncReplicas);
  return revised(row, completed(row, next, minInsyncReplicas));
}

/** Whether the last who surely have everything are not among those that go. */
function canSpare(row: PartitionRow, out: readonly BrokerId[]): boolean {
  if (needsComparison(row)) return false;
  const eligible = row.isr.length > 0 ? row.isr : row.elr;
  return eligible.some((broker) => !out.includes(broker));
}

/** Membership in assignment order, as `settleMembership` gives it. */
function inOrder(before: PartitionRow, after: PartitionRow): PartitionRow {
  const members = { ...before, replicas: after.replicas };
  return { ...after, ...settleMembership(members, { isr: before.isr }) };
}

function sized(row: PartitionRow, minInsyncReplicas: number): PartitionRow {
  const minIsr = minIsrOf(minInsyncReplicas, row);
  return minIsr === row.minIsr ? row : withMinIsr(row, minIsr);
}

/** Every replica of the target is in sync: nothing but perhaps a hand-over is left to do. */
export const isTargetInSync = (row: PartitionRow): boolean =>
  isReassigning(row) && hasLeader(row) && targetOf(row).every((broker) => row.isr.includes(broker));

/**
 * The row after the last step of its reassignment, if that can be made: the whole target is in sync and one of it
 * leads. A leader that is to go hands over first, so that not even a record sent with acks=1 is lost.
 *
 * @param before  The committed row, of which `after` is the next: a leader epoch that it begins is not begun twice.
 */
export function completed(before: PartitionRow, after: PartitionRow, minInsyncReplicas: number): PartitionRow {
  const isDone = isTargetInSync(after) && !after.removing.includes(after.leader);
  const left = isDone ? withoutReplicas(after, after.removing) : after;
  const next = isDone ? sized({ ...left, adding: [], removing: [] }, minInsyncReplicas) : left;
  const isSmaller = before.replicas.some((broker) => !next.replicas.includes(broker));
  if (!isSmaller || next.leaderEpoch > before.leaderEpoch) return next;
  return { ...next, leaderEpoch: nextLeaderEpoch(before) };
}
