import type { BrokerId, TopicId } from "#base/ids.ts";
import type { ConfigMap } from "#contract/config-values.ts";
import type { DeletionRow, MetadataRows, MetadataVersion, PartitionRow, TopicRow } from "#contract/rows.ts";
import type { Change } from "./changes.ts";
import type { History } from "./history.ts";
import { type BrokerRecord, brokerRowOf, type State, wholeRecord, wholeRow } from "./state.ts";

/** A copy of the state that changes are applied to one after the other, so that many cost one copy. */
export interface Draft extends State {
  clusterId: string;
  version: MetadataVersion;
  nextBrokerEpoch: number;
  nextProducerId: number;
  history: History;
  readonly brokers: Map<BrokerId, BrokerRecord>;
  readonly topics: Map<TopicId, TopicRow>;
  readonly topicIds: Map<string, TopicId>;
  readonly partitions: Map<TopicId, readonly PartitionRow[]>;
  readonly deletions: Map<TopicId, DeletionRow>;
  readonly brokerConfigs: Map<string, ConfigMap>;
}

export const draftOf = (state: State): Draft => ({
  ...state,
  brokers: new Map(state.brokers),
  topics: new Map(state.topics),
  topicIds: new Map(state.topicIds),
  partitions: new Map(state.partitions),
  deletions: new Map(state.deletions),
  brokerConfigs: new Map(state.brokerConfigs),
});

/** The state after one commit: the same at run time and when a store is read. */
export function apply(state: State, changes: readonly Change[], version: MetadataVersion): State {
  const draft = draftOf(state);
  applyAll(draft, changes);
  draft.version = version;
  return draft;
}

export function applyAll(draft: Draft, changes: readonly Change[]): void {
  const owned = new Set<TopicId>();
  for (const change of changes) applyOne(draft, change, owned);
}

/** `owned`: topics whose array of rows is this draft's own already. */
function applyOne(draft: Draft, change: Change, owned: Set<TopicId>): void {
  switch (change.kind) {
    case "cluster":
      draft.clusterId = change.clusterId;
      return;
    case "history":
      draft.history = change.history;
      return;
    case "broker":
      draft.brokers.set(change.broker.id, wholeRecord(change.broker));
      return;
    case "brokerRemoved":
      draft.brokers.delete(change.id);
      draft.brokerConfigs.delete(String(change.id));
      return;
    case "partition":
      return applyPartition(draft, wholeRow(change.row), owned);
    case "topic":
      draft.topics.set(change.row.topicId, change.row);
      draft.topicIds.set(change.row.name, change.row.topicId);
      return;
    case "topicDeleted":
      draft.topics.delete(change.row.topicId);
      if (draft.topicIds.get(change.row.name) === change.row.topicId) draft.topicIds.delete(change.row.name);
      draft.partitions.delete(change.row.topicId);
      return applyDeletion(draft, change.row);
    case "deletion":
      return applyDeletion(draft, change.row);
    case "rowsSwept":
      draft.partitions.delete(change.topicId);
      return;
    case "brokerConfig":
      draft.brokerConfigs.set(change.row.broker, change.row.config);
      return;
    case "nextBrokerEpoch":
      draft.nextBrokerEpoch = change.value;
      return;
    case "nextProducerId":
      draft.nextProducerId = change.value;
      return;
  }
}

function applyPartition(draft: Draft, row: PartitionRow, owned: Set<TopicId>): void {
  let rows = draft.partitions.get(row.topicId) as PartitionRow[] | undefined;
  if (rows === undefined || !owned.has(row.topicId)) {
    rows = rows === undefined ? [] : [...rows];
    draft.partitions.set(row.topicId, rows);
    owned.add(row.topicId);
  }
  rows[row.partition] = row;
}

function applyDeletion(draft: Draft, row: DeletionRow): void {
  if (row.waitingFor.length === 0) draft.deletions.delete(row.topicId);
  else draft.deletions.set(row.topicId, row);
}

/** What brokers are told of one commit: the last row of each thing. */
export function rowsOf(changes: readonly Change[]): MetadataRows {
  const brokers = new Map<BrokerId, BrokerRecord>();
  const removedBrokers = new Set<BrokerId>();
  const topics = new Map<TopicId, TopicRow>();
  const partitions = new Map<string, PartitionRow>();
  const deletions = new Map<TopicId, DeletionRow>();
  const brokerConfigs = new Map<string, ConfigMap>();
  for (const change of changes) {
    if (change.kind === "broker") brokers.set(change.broker.id, change.broker);
    else if (change.kind === "brokerRemoved") {
      brokers.delete(change.id);
      removedBrokers.add(change.id);
    } else if (change.kind === "topic") topics.set(change.row.topicId, change.row);
    else if (change.kind === "partition") partitions.set(`${change.row.topicId}/${change.row.partition}`, change.row);
    else if (change.kind === "brokerConfig") brokerConfigs.set(change.row.broker, change.row.config);
    else if (change.kind === "topicDeleted" || change.kind === "deletion")
      deletions.set(change.row.topicId, change.row);
  }
  return {
    brokers: [...brokers.values()].map(brokerRowOf),
    ...(removedBrokers.size === 0 ? {} : { removedBrokers: [...removedBrokers] }),
    topics: [...topics.values()].filter((row) => !deletions.has(row.topicId)),
    partitions: [...partitions.values()].filter((row) => !deletions.has(row.topicId)),
    deletions: [...deletions.values()],
    brokerConfigs: [...brokerConfigs].map(([broker, config]) => ({ broker, config })),
  };
}
