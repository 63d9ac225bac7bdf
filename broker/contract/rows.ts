import type {
  BrokerEpoch,
  BrokerId,
  ControllerEpoch,
  Incarnation,
  LeaderEpoch,
  PartitionEpoch,
  PartitionIndex,
  TopicId,
} from "../base/ids.ts";

/**
 * All that the control plane knows and decides of one partition. Changed by the controller only; every change adds 1
 * to `partitionEpoch`.
 */
export interface PartitionRow {
  readonly topicId: TopicId;
  readonly partition: PartitionIndex;
  /** Assignment order: the first is the preferred leader. Includes `adding` and `removing`. */
  readonly replicas: readonly BrokerId[];
  readonly adding: readonly BrokerId[];
  readonly removing: readonly BrokerId[];
  /**
   * No replicas any more, and have not confirmed yet that their data is gone. They vote for nothing; a broker deletes a
   * replica's data only because a row names it here.
   */
  readonly removed: readonly BrokerId[];
  /** −1 while the partition is offline. */
  readonly leader: BrokerId;
  readonly leaderEpoch: LeaderEpoch;
  readonly partitionEpoch: PartitionEpoch;
  /** In-sync replicas. Empty only while offline. */
  readonly isr: readonly BrokerId[];
  /** Eligible leader replicas (KIP-966): left the ISR while it was below min ISR, and hold everything committed. */
  readonly elr: readonly BrokerId[];
  /** Were in isr or elr, but lost their page cache: asked for their log end when nobody whole is left. */
  readonly lost: readonly BrokerId[];
  /** min(min.insync.replicas, size of the target assignment). Leader and controller use nothing else. */
  readonly minIsr: number;
  /** Every ISR member synced all up to its log end, and `flush.messages=1` is in force. */
  readonly synced: boolean;
}

/** The Topic resource that manages a topic, as it was last seen. */
export interface TopicOwner {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Whether the topic goes when the resource is gone. */
  readonly deletionPolicy: "Delete" | "Retain";
}

export interface TopicRow {
  readonly topicId: TopicId;
  readonly name: string;
  /** Only what was set on the topic itself. Kafka's keys and string values. */
  readonly config: Readonly<Record<string, string>>;
  readonly partitionCount: number;
  /** Absent: nobody's; it was made through the Kafka API. */
  readonly owner?: TopicOwner;
}

/** A topic that is gone; stays until every replica has confirmed the removal of its data or left the cluster. */
export interface DeletionRow {
  readonly topicId: TopicId;
  readonly name: string;
  /** Brokers that still have to confirm. */
  readonly waitingFor: readonly BrokerId[];
}

/** Where clients reach a broker, by listener name. */
export interface Endpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
}

/** A broker as all others see it. */
export interface BrokerRow {
  readonly id: BrokerId;
  readonly incarnation: Incarnation;
  readonly epoch: BrokerEpoch;
  readonly endpoints: readonly Endpoint[];
  /** The process's own HTTP address: replication, probes, control. */
  readonly http: { readonly host: string; readonly port: number };
  readonly rack: string | null;
  /** A fenced broker has no session: it leads nothing and clients are not told of it. */
  readonly isFenced: boolean;
  readonly isShuttingDown: boolean;
}

/** Dynamic configuration of the cluster's brokers: "" = default of all, otherwise one broker's id. */
export interface BrokerConfigRow {
  readonly broker: string;
  readonly config: Readonly<Record<string, string>>;
}

/** Names a state of the metadata: later is (higher epoch, higher sequence). */
export interface MetadataVersion {
  readonly controllerEpoch: ControllerEpoch;
  readonly sequence: number;
}

/** True when `a` names a later state than `b`. */
export function isNewer(a: MetadataVersion, b: MetadataVersion | null): boolean {
  if (b === null) return true;
  return a.controllerEpoch !== b.controllerEpoch ? a.controllerEpoch > b.controllerEpoch : a.sequence > b.sequence;
}

/** Rows changed by one commit, or, as a snapshot, all there are. Absence never deletes. */
export interface MetadataRows {
  readonly brokers: readonly BrokerRow[];
  /** Left the cluster for good, before any of `brokers` came. A snapshot has none. */
  readonly removedBrokers?: readonly BrokerId[];
  readonly topics: readonly TopicRow[];
  readonly partitions: readonly PartitionRow[];
  readonly deletions: readonly DeletionRow[];
  readonly brokerConfigs: readonly BrokerConfigRow[];
}
