import type {
  BrokerConfigRow,
  BrokerRow,
  DeletionRow,
  MetadataVersion,
  PartitionRow,
  TopicRow,
} from "#contract/rows.ts";
import type { BrokerId, StorageId } from "#base/ids.ts";
import { allPartitions, brokerRowOf, hasLeader, type State } from "../machine/state.ts";
import { waitsFor } from "../machine/waiting.ts";

/**
 * `starting`: reads and claims the store. `active`: decides. `storeUnreachable`: would. `blocked`: the store is older
 * than what brokers were told; a person must say to recover. `ended`: another controller took over, or it was stopped.
 */
export type ControllerCondition = "starting" | "active" | "storeUnreachable" | "blocked" | "ended";

export interface ControllerStatus {
  readonly clusterId: string;
  readonly condition: ControllerCondition;
  /** One line for people; null when all is well. */
  readonly reason: string | null;
  readonly version: MetadataVersion;
  /** Elections since this controller took over after which acknowledged records may be gone. */
  readonly uncleanElections: number;
  readonly brokers: readonly (BrokerRow & {
    readonly storageId: StorageId;
    readonly sessionAgeMs: number | null;
    readonly leads: number;
  })[];
  readonly topics: readonly TopicRow[];
  /** `waitingFor`: brokers without which no leader can be elected; absent when it has a leader. */
  readonly partitions: readonly (PartitionRow & { readonly waitingFor?: readonly BrokerId[] })[];
  readonly deletions: readonly DeletionRow[];
  /** Settings of running brokers: "" = of all. */
  readonly brokerConfigs: readonly BrokerConfigRow[];
}

export function statusOf(
  state: State,
  at: {
    condition: ControllerCondition;
    reason: string | null;
    uncleanElections: number;
    /** Milliseconds since a broker's last sign of life; null without a session. */
    silenceMs: (broker: BrokerId) => number | null;
  },
): ControllerStatus {
  const leads = new Map<BrokerId, number>();
  const partitions = [...allPartitions(state)].map(({ row }) => {
    leads.set(row.leader, (leads.get(row.leader) ?? 0) + 1);
    return hasLeader(row) ? row : { ...row, waitingFor: waitsFor(state, row) };
  });
  const brokers = [...state.brokers.values()].map((record) => ({
    ...brokerRowOf(record),
    storageId: record.storageId,
    sessionAgeMs: at.silenceMs(record.id),
    leads: leads.get(record.id) ?? 0,
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
    brokerConfigs: [...state.brokerConfigs].map(([broker, config]) => ({ broker, config })),
  };
}
