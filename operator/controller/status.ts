import type { Reassignment } from "#contract/control.ts";
import type { BrokerRow, DeletionRow, MetadataVersion, PartitionRow, TopicRow } from "#contract/rows.ts";
import type { BrokerId } from "#base/ids.ts";
import { allPartitions, brokerRowOf, hasLeader, type State } from "../machine/state.ts";
import { waitsFor } from "../machine/waiting.ts";

/**
 * `starting`: reads and claims the store. `active`: decides. `storeUnreachable`: would. `blocked`: the store is older
 * than what brokers were told; a person must say to recover. `recovering`: asks brokers what they were told. `ended`:
 * another controller took over, or it was stopped.
 */
export type ControllerCondition = "starting" | "active" | "storeUnreachable" | "blocked" | "recovering" | "ended";

export interface BrokerStatus extends BrokerRow {
  readonly sessionAgeMs: number | null;
  /** Partitions that it leads, that are assigned to it, and whose data it has yet to delete. */
  readonly leads: number;
  readonly assigned: number;
  readonly unconfirmed: number;
  readonly isDraining: boolean;
}

export interface ControllerStatus {
  readonly clusterId: string;
  readonly condition: ControllerCondition;
  /** One line for people; null when all is well. */
  readonly reason: string | null;
  readonly version: MetadataVersion;
  /** Elections since this controller took over after which acknowledged records may be gone. */
  readonly uncleanElections: number;
  readonly brokers: readonly BrokerStatus[];
  readonly topics: readonly TopicRow[];
  /** `waitingFor`: brokers without which no leader can be elected; absent when it has a leader. */
  readonly partitions: readonly (PartitionRow & { readonly waitingFor?: readonly BrokerId[] })[];
  readonly deletions: readonly DeletionRow[];
  /** Partitions on their way to another assignment, with what their copies still lack. */
  readonly reassignments: readonly Reassignment[];
}

export function statusOf(
  state: State,
  at: {
    condition: ControllerCondition;
    reason: string | null;
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
    version: state.version,
    uncleanElections: at.uncleanElections,
    brokers: brokers.sort((a, b) => a.id - b.id),
    topics: [...state.topics.values()],
    partitions,
    deletions: [...state.deletions.values()],
    reassignments: at.reassignments,
  };
}
