import {
  type BrokerId,
  controllerEpoch,
  NO_BROKER,
  type PartitionIndex,
  type StorageId,
  type TopicId,
} from "#base/ids.ts";
import {
  type BrokerConfig,
  type BrokerConfigLayers,
  type ConfigMap,
  effectiveBrokerConfig,
  effectiveTopicConfig,
  type TopicConfig,
} from "#contract/config-values.ts";
import type {
  BrokerConfigRow,
  BrokerRow,
  DeletionRow,
  MetadataRows,
  MetadataVersion,
  PartitionRow,
  TopicRow,
} from "#contract/rows.ts";
import type { History } from "./history.ts";

/** Of a broker whose entry was rebuilt from what other brokers knew of it. */
export const UNKNOWN_STORAGE = "" as StorageId;

/** A broker in the registry: what all see, and what tells whether its next process still has its data. */
export interface BrokerRecord extends BrokerRow {
  readonly storageId: StorageId;
  readonly bootId: string;
  readonly device: string;
  readonly mountId: string;
  /** Gets no new replicas, and what it has is moved to others. */
  readonly isDraining: boolean;
}

/** Everything that is stored, as plain values: the content of a snapshot. */
export interface StoredState {
  readonly clusterId: string;
  readonly nextBrokerEpoch: number;
  readonly nextProducerId: number;
  readonly brokers: readonly BrokerRecord[];
  readonly topics: readonly TopicRow[];
  readonly partitions: readonly PartitionRow[];
  readonly deletions: readonly DeletionRow[];
  readonly brokerConfigs: readonly BrokerConfigRow[];
  readonly history: History;
}

/** What the controller knows of the cluster: committed, and nothing else. Values are replaced, never changed. */
export interface State {
  readonly clusterId: string;
  /** What the brokers are started with: given at each start, not stored. */
  readonly staticConfig: ConfigMap;
  readonly version: MetadataVersion;
  readonly nextBrokerEpoch: number;
  readonly nextProducerId: number;
  readonly brokers: ReadonlyMap<BrokerId, BrokerRecord>;
  readonly topics: ReadonlyMap<TopicId, TopicRow>;
  readonly topicIds: ReadonlyMap<string, TopicId>;
  /** By topic id, then by partition. */
  readonly partitions: ReadonlyMap<TopicId, readonly PartitionRow[]>;
  readonly deletions: ReadonlyMap<TopicId, DeletionRow>;
  readonly brokerConfigs: ReadonlyMap<string, ConfigMap>;
  readonly history: History;
}

export const EMPTY_STORED_STATE: StoredState = {
  clusterId: "",
  nextBrokerEpoch: 1,
  nextProducerId: 0,
  brokers: [],
  topics: [],
  partitions: [],
  deletions: [],
  brokerConfigs: [],
  history: { floor: controllerEpoch(0), ends: [] },
};

export const FIRST_VERSION: MetadataVersion = { controllerEpoch: controllerEpoch(0), sequence: 0 };

export function stateOf(stored: StoredState, version: MetadataVersion, staticConfig: ConfigMap): State {
  const partitions = new Map<TopicId, PartitionRow[]>();
  for (const one of stored.partitions) {
    const row = wholeRow(one);
    const rows = partitions.get(row.topicId);
    if (rows === undefined) partitions.set(row.topicId, [row]);
    else rows.push(row);
  }
  for (const rows of partitions.values()) rows.sort((a, b) => a.partition - b.partition);
  return {
    clusterId: stored.clusterId,
    staticConfig,
    version,
    nextBrokerEpoch: stored.nextBrokerEpoch,
    nextProducerId: stored.nextProducerId,
    brokers: new Map(stored.brokers.map((broker) => [broker.id, wholeRecord(broker)])),
    topics: new Map(stored.topics.map((topic) => [topic.topicId, topic])),
    topicIds: new Map(stored.topics.map((topic) => [topic.name, topic.topicId])),
    partitions,
    deletions: new Map(stored.deletions.map((row) => [row.topicId, row])),
    brokerConfigs: new Map(stored.brokerConfigs.map(({ broker, config }) => [broker, config])),
    history: stored.history,
  };
}

/** A row as it is read from a store: one written before there was reassignment names nobody as removed. */
export const wholeRow = (row: Omit<PartitionRow, "removed"> & Partial<PartitionRow>): PartitionRow => ({
  ...row,
  removed: row.removed ?? [],
});

export const wholeRecord = (record: Omit<BrokerRecord, "isDraining"> & Partial<BrokerRecord>): BrokerRecord => ({
  ...record,
  isDraining: record.isDraining ?? false,
});

export function storedOf(state: State): StoredState {
  return {
    clusterId: state.clusterId,
    nextBrokerEpoch: state.nextBrokerEpoch,
    nextProducerId: state.nextProducerId,
    brokers: [...state.brokers.values()],
    topics: [...state.topics.values()],
    partitions: [...state.partitions.values()].flat(),
    deletions: [...state.deletions.values()],
    brokerConfigs: [...state.brokerConfigs].map(([broker, config]) => ({ broker, config })),
    history: state.history,
  };
}

/** A broker as all others see it. */
export const brokerRowOf = (record: BrokerRecord): BrokerRow => ({
  id: record.id,
  incarnation: record.incarnation,
  epoch: record.epoch,
  endpoints: record.endpoints,
  http: record.http,
  rack: record.rack,
  isFenced: record.isFenced,
  isShuttingDown: record.isShuttingDown,
});

/** Everything that brokers are told, as one snapshot. */
export const snapshotRows = (state: State): MetadataRows => ({
  brokers: [...state.brokers.values()].map(brokerRowOf),
  topics: [...state.topics.values()],
  partitions: [...state.topics.keys()].flatMap((topicId) => state.partitions.get(topicId) ?? []),
  deletions: [...state.deletions.values()],
  brokerConfigs: [...state.brokerConfigs].map(([broker, config]) => ({ broker, config })),
});

export const partitionOf = (state: State, name: { topicId: TopicId; partition: PartitionIndex }): PartitionRow | null =>
  state.partitions.get(name.topicId)?.[name.partition] ?? null;

export const topicByName = (state: State, name: string): TopicRow | null => {
  const topicId = state.topicIds.get(name);
  return topicId === undefined ? null : (state.topics.get(topicId) ?? null);
};

/** Every partition of every topic, in the order of their creation. */
export function* allPartitions(state: State): Generator<{ topic: TopicRow; row: PartitionRow }> {
  for (const topic of state.topics.values()) {
    for (const row of state.partitions.get(topic.topicId) ?? []) yield { topic, row };
  }
}

/** Has a session, as far as is known. */
export function isAlive(state: State, broker: BrokerId): boolean {
  const record = state.brokers.get(broker);
  return record !== undefined && !record.isFenced;
}

/** On its way out: it leads only what nobody else can. */
export const isLeaving = (state: State, broker: BrokerId): boolean =>
  state.brokers.get(broker)?.isShuttingDown ?? false;

/** May get a leadership that it does not have yet. */
export const isAvailable = (state: State, broker: BrokerId): boolean =>
  isAlive(state, broker) && !isLeaving(state, broker);

export const hasLeader = (row: PartitionRow): boolean => row.leader !== NO_BROKER;

/** What speaks where a topic is silent. A single broker's own setting says nothing of topics. */
export const topicLayers = (state: State): BrokerConfigLayers => ({
  broker: {},
  cluster: state.brokerConfigs.get("") ?? {},
  static: state.staticConfig,
});

export const topicConfigOf = (state: State, topic: TopicRow): TopicConfig =>
  effectiveTopicConfig(topic.config, topicLayers(state));

export const clusterConfigOf = (state: State): BrokerConfig => effectiveBrokerConfig(topicLayers(state));
