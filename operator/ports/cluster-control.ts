import type { BrokerId, ControllerEpoch, StorageId } from "#base/ids.ts";
import type { ConfigMap } from "#contract/config-values.ts";
import type { AdminRequest, AdminResponse, Reassignment } from "#contract/control.ts";
import type {
  BrokerConfigRow,
  BrokerRow,
  DeletionRow,
  MetadataVersion,
  PartitionRow,
  TopicRow,
} from "#contract/rows.ts";

/**
 * `starting`: reads and claims the store. `active`: decides. `storeUnreachable`: would. `blocked`: the store is
 * missing, damaged, or older than what brokers were told; a person must say to recover. `recovering`: asks brokers what
 * they were told. `ended`: another controller took over, or it was stopped.
 */
export type ControllerCondition = "starting" | "active" | "storeUnreachable" | "blocked" | "recovering" | "ended";

/** What is wrong with a cluster's metadata store. Until a person says to recover, nothing is decided. */
export interface MetadataProblem {
  /** `lost`: the store, or a part of it, is gone. `rolledBack`: it is there, but brokers were told more. */
  readonly kind: "lost" | "rolledBack";
  /** One line for people. */
  readonly reason: string;
  /** The newest version that a broker has reported, which `recover` must name; null when none has reported yet. */
  readonly newestReported: MetadataVersion | null;
}

export interface ControllerStatus {
  readonly clusterId: string;
  readonly condition: ControllerCondition;
  /** One line for people; null when all is well. */
  readonly reason: string | null;
  /** Only while `blocked`. */
  readonly problem: MetadataProblem | null;
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
  /** Settings of running brokers: "" = of all. */
  readonly brokerConfigs: readonly BrokerConfigRow[];
}

export type BrokerStatus = BrokerRow & {
  /** Names the data folder: another one under the same broker id is an empty disk. */
  readonly storageId: StorageId;
  /** Milliseconds since its last sign of life; null without a session. */
  readonly sessionAgeMs: number | null;
  /** Partitions that it leads, that are assigned to it, and whose data it has yet to delete. */
  readonly leads: number;
  readonly assigned: number;
  readonly unconfirmed: number;
  readonly isDraining: boolean;
};

/** Which Cluster object. */
export interface ClusterName {
  readonly namespace: string;
  readonly name: string;
}

/** Who owns the metadata objects: under deletionPolicy Delete they go with their Cluster. */
export interface MetadataOwner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** What a reconciler says of a cluster; all of it may change from one `ensure` to the next. */
export interface ClusterControlOptions {
  /** "" = the store's, or, in a new store, one of its own making. */
  readonly clusterId: string;
  /** What the brokers are started with: Kafka's keys. Validated by the caller. */
  readonly config: ConfigMap;
  /** The cluster's internal token: the current one first, then those still accepted. Never empty. */
  readonly tokens: readonly string[];
  /** Null: the metadata objects outlive the Cluster (deletionPolicy Retain). */
  readonly metadataOwner: MetadataOwner | null;
  /** Whoever owns the metadata objects that there are keeps them, until this is said no more. */
  readonly isPaused?: boolean;
}

/** `notNeeded`: nothing is wrong. `wrongEpoch`: brokers report another one; `reason` says which. */
export type RecoverOutcome =
  | { readonly kind: "recovered" }
  | { readonly kind: "notNeeded" }
  | { readonly kind: "wrongEpoch" | "failed"; readonly reason: string };

/** How reconcilers see and command the controller of one cluster. */
export interface ClusterControl {
  readonly cluster: ClusterName;
  /** What is committed, and how the controller is. Cheap enough for every reconcile. */
  status(): ControllerStatus;
  /** Decides an administrative request, answers once it is committed. Always resolves. */
  admin(request: AdminRequest): Promise<AdminResponse>;
  /**
   * Hands over whatever the broker leads and somebody in sync can take. SIGTERM does so too; this is for looking first.
   * @returns how many partitions it still leads.
   */
  moveLeadersAway(broker: BrokerId): Promise<number>;
  /** Something says that this broker's process has ended (its container was reported terminated): it is probed now. */
  suspect(broker: BrokerId): void;
  /**
   * A person says to go on from the newest metadata that brokers hold. `controllerEpoch` must be that of
   * `problem.newestReported`, so that an old word of theirs is not taken for a new loss.
   */
  recover(epoch: ControllerEpoch): Promise<RecoverOutcome>;
  /** Calls `listener` after each commit and each change of condition, coalesced; returns what ends it. */
  subscribe(listener: () => void): () => void;
}

/** The controllers of all clusters; one for each, here while this process holds the Lease. */
export interface ClusterControls {
  /** Makes the cluster's controller, or tells the one there is what has changed. */
  ensure(cluster: ClusterName, options: ClusterControlOptions): ClusterControl;
  get(cluster: ClusterName): ClusterControl | null;
  /** Ends the cluster's controller; its metadata stays. Its brokers go on without one. */
  release(cluster: ClusterName): Promise<void>;
}
