import { brokerEpoch, type ControllerEpoch, leaderEpoch, NO_BROKER, partitionEpoch } from "#base/ids.ts";
import type { BrokerRow, MetadataRows, PartitionRow } from "#contract/rows.ts";
import type { Change } from "./changes.ts";
import { allPartitions, type BrokerRecord, type State, UNKNOWN_STORAGE } from "./state.ts";

/** Beyond whatever was handed out in the history that the store has lost. */
const EPOCHS_AHEAD = 1_000_000;
const PRODUCER_IDS_AHEAD = 1_000_000_000;

/** How far a controller that recovers claims beyond every epoch that its store or a broker knows. */
export const CONTROLLER_EPOCHS_AHEAD = 1000;

/**
 * A store that is missing or was set back knows neither who was in sync last nor which epochs were used. So everything
 * goes on beyond any epoch that may have been, nobody counts as in sync, and each partition waits for all its replicas
 * and is led by the fullest log among them. Topics, partitions and brokers are those of `kept`, the newest metadata
 * that a broker was ever told and the store never had; without it, those of the store.
 */
export function recoveredChanges(
  state: State,
  { kept, epoch }: { kept: MetadataRows | null; epoch: ControllerEpoch },
): Change[] {
  const partitions = kept === null ? [...allPartitions(state)].map(({ row }) => row) : kept.partitions;
  const known = (kept?.brokers ?? []).map((broker) => broker.epoch + 1);
  const changes: Change[] = [
    { kind: "nextBrokerEpoch", value: Math.max(state.nextBrokerEpoch, ...known) + EPOCHS_AHEAD },
    // Brokers are not told which producer ids were handed out; each recovery begins a range of its own.
    { kind: "nextProducerId", value: Math.max(state.nextProducerId, epoch * PRODUCER_IDS_AHEAD) + PRODUCER_IDS_AHEAD },
  ];
  if (kept !== null) changes.push(...forgotten(state, kept), ...brokersOf(state, kept));
  for (const row of partitions) changes.push({ kind: "partition", row: recoveredRow(row) });
  if (kept !== null) {
    for (const row of kept.topics) changes.push({ kind: "topic", row });
    for (const row of kept.deletions) changes.push({ kind: "deletion", row });
    for (const row of kept.brokerConfigs) changes.push({ kind: "brokerConfig", row });
  }
  return changes;
}

const recoveredRow = (row: PartitionRow): PartitionRow => ({
  ...row,
  leader: NO_BROKER,
  leaderEpoch: leaderEpoch(row.leaderEpoch + EPOCHS_AHEAD),
  partitionEpoch: partitionEpoch(row.partitionEpoch + EPOCHS_AHEAD),
  isr: [],
  elr: [],
  lost: row.replicas,
  synced: false,
  // What was removed once may have been given back since: nothing is deleted on the word of an old store.
  removed: [],
});

/** What the store has and the newest metadata has no more: no broker hears of it, so nothing is removed on a disk. */
function forgotten(state: State, kept: MetadataRows): Change[] {
  const topics = new Set(kept.topics.map(({ topicId }) => topicId));
  const deletions = new Set(kept.deletions.map(({ topicId }) => topicId));
  const configs = new Set(kept.brokerConfigs.map(({ broker }) => broker));
  const changes: Change[] = [];
  for (const { topicId, name } of state.topics.values()) {
    if (!topics.has(topicId)) changes.push({ kind: "topicDeleted", row: { topicId, name, waitingFor: [] } });
  }
  for (const row of state.deletions.values()) {
    if (!deletions.has(row.topicId)) changes.push({ kind: "deletion", row: { ...row, waitingFor: [] } });
  }
  for (const broker of state.brokerConfigs.keys()) {
    if (!configs.has(broker)) changes.push({ kind: "brokerConfig", row: { broker, config: {} } });
  }
  return changes;
}

/** Fenced until they register; the identity of a disk is known only when the store had the same process. */
function brokersOf(state: State, kept: MetadataRows): Change[] {
  return kept.brokers.map((row) => ({ kind: "broker", broker: recoveredBroker(row, state.brokers.get(row.id)) }));
}

function recoveredBroker(row: BrokerRow, stored: BrokerRecord | undefined): BrokerRecord {
  const identity =
    stored?.incarnation === row.incarnation
      ? stored
      : { storageId: UNKNOWN_STORAGE, bootId: "", device: "", mountId: "" };
  const { storageId, bootId, device, mountId } = identity;
  const epoch = brokerEpoch(row.epoch);
  const isDraining = stored?.isDraining ?? false;
  return { ...row, epoch, isFenced: true, isShuttingDown: false, isDraining, storageId, bootId, device, mountId };
}
