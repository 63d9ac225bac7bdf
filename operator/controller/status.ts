import type { BrokerId } from "#base/ids.ts";
import type { Reassignment } from "#contract/control.ts";
import { allPartitions, brokerRowOf, hasLeader, type State } from "../machine/state.ts";
import { waitsFor } from "../machine/waiting.ts";
import type { ControllerCondition, ControllerStatus, MetadataProblem } from "../ports/cluster-control.ts";

export function statusOf(
  state: State,
  at: {
    condition: ControllerCondition;
    reason: string | null;
    problem: MetadataProblem | null;
    uncleanElections: number;
    reassignments: readonly Reassignment[];
    /** Milliseconds since a broker's last sign of life; null without a session. */
    silenceMs: (broker: BrokerId) => number | null;
  },
): ControllerStatus {
  const leads = new Map<BrokerId, number>();
  const assigned = new Map<BrokerId, number>();
  const unconfirmed = new Map<BrokerId, number>();
  const count = (counts: Map<BrokerId, number>, broker: BrokerId): void => {
    counts.set(broker, (counts.get(broker) ?? 0) + 1);
  };
  const partitions = [...allPartitions(state)].map(({ row }) => {
    count(leads, row.leader);
    for (const broker of row.replicas) count(assigned, broker);
    for (const broker of row.removed) count(unconfirmed, broker);
    return hasLeader(row) ? row : { ...row, waitingFor: waitsFor(state, row) };
  });
  const brokers = [...state.brokers.values()].map((record) => ({
    ...brokerRowOf(record),
    storageId: record.storageId,
    sessionAgeMs: at.silenceMs(record.id),
    leads: leads.get(record.id) ?? 0,
    assigned: assigned.get(record.id) ?? 0,
    unconfirmed: unconfirmed.get(record.id) ?? 0,
    isDraining: record.isDraining,
  }));
  return {
    clusterId: state.clusterId,
    condition: at.condition,
    reason: at.reason,
    problem: at.problem,
    version: state.version,
    uncleanElections: at.uncleanElections,
    brokers: brokers.sort((a, b) => a.id - b.id),
    topics: [...state.topics.values()],
    partitions,
    deletions: [...state.deletions.values()],
    reassignments: at.reassignments,
    brokerConfigs: [...state.brokerConfigs].map(([broker, config]) => ({ broker, config })),
  };
}
