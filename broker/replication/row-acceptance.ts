import type { PartitionRow } from "../contract/rows.ts";

/**
 * A row replaces the one in force only when the controller made it later. Late and repeated rows change nothing, and
 * epochs never fall.
 */
export function acceptsRow(rows: { current: PartitionRow | null; next: PartitionRow }): boolean {
  const { current, next } = rows;
  if (current === null) return true;
  return next.partitionEpoch > current.partitionEpoch && next.leaderEpoch >= current.leaderEpoch;
}
