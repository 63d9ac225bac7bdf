import type { BrokerId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { ControllerStatus } from "../ports/cluster-control.ts";
import { isDraining } from "./reassignment-requests.ts";

export interface Target {
  readonly row: PartitionRow;
  readonly replicas: readonly BrokerId[];
}

/**
 * The replicas that partitions are to have under another replication factor; null when there are not brokers enough.
 * More: on whom the fewest replicas lie, in racks that have none yet. Fewer: those in sync stay, the leader first.
 */
export function changeFactor(
  status: ControllerStatus,
  rows: readonly PartitionRow[],
  factor: number,
): readonly Target[] | null {
  const brokers = status.brokers.filter((broker) => !isDraining(broker));
  if (factor > brokers.length) return null;
  const racks = new Map(status.brokers.map(({ id, rack }) => [id, rack]));
  const loads = new Map<BrokerId, number>(brokers.map(({ id }) => [id, 0]));
  for (const { replicas } of status.partitions) {
    for (const replica of replicas) if (loads.has(replica)) loads.set(replica, loads.get(replica)! + 1);
  }
  return rows.map((row) => {
    const replicas = [...kept(row, factor)];
    while (replicas.length < factor) {
      const used = new Set(replicas.map((replica) => racks.get(replica) ?? null));
      const cost = (id: BrokerId): number =>
        (used.has(racks.get(id) ?? null) && racks.get(id) !== null ? 1e9 : 0) + loads.get(id)!;
      const [next] = [...loads.keys()]
        .filter((id) => !replicas.includes(id))
        .sort((a, b) => cost(a) - cost(b) || a - b);
      if (next === undefined) break;
      replicas.push(next);
      loads.set(next, loads.get(next)! + 1);
    }
    return { row, replicas };
  });
}

/** Of the replicas that are not leaving, as many as are wanted, in their order but those out of sync last. */
function kept(row: PartitionRow, factor: number): readonly BrokerId[] {
  const settled = row.replicas.filter((replica) => !row.removing.includes(replica));
  if (settled.length <= factor) return settled;
  const rank = (replica: BrokerId): number => (replica === row.leader ? 0 : row.isr.includes(replica) ? 1 : 2);
  const stay = [...settled].sort((a, b) => rank(a) - rank(b)).slice(0, factor);
  return settled.filter((replica) => stay.includes(replica));
}
