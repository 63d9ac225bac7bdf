import { assert } from "#base/assert.ts";
import { type BrokerId, NO_BROKER, type TopicId } from "#base/ids.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { Change } from "./changes.ts";
import { allPartitions, type BrokerRecord, partitionOf, type State } from "./state.ts";

/** States what must hold between the state and the changes about to be committed to it. A break ends the process. */
export function checkInvariants(before: State, changes: readonly Change[]): void {
  const rows = new Map<string, PartitionRow>();
  const deleted = new Set<TopicId>();
  for (const change of changes) {
    switch (change.kind) {
      case "partition": {
        const name = nameOf(change.row);
        checkRow(change.row, name);
        checkStep(rows.get(name) ?? partitionOf(before, change.row), change.row, name);
        rows.set(name, change.row);
        break;
      }
      case "broker":
        checkBroker(before.brokers.get(change.broker.id) ?? null, change.broker);
        break;
      case "brokerRemoved":
        checkRemoval(before, change.id, { rows, deleted });
        break;
      case "topicDeleted":
        deleted.add(change.row.topicId);
        break;
      case "topic":
        assert(!before.deletions.has(change.row.topicId), `topic ${change.row.name} is not one that was deleted`);
        break;
      case "nextProducerId":
        assert(change.value > before.nextProducerId, "producer ids are handed out once");
        break;
      case "nextBrokerEpoch":
        assert(change.value > before.nextBrokerEpoch, "broker epochs are handed out once");
        break;
      default:
    }
  }
}

function checkRow(row: PartitionRow, name: string): void {
  const isReplica = (broker: BrokerId): boolean => row.replicas.includes(broker);
  assert(row.replicas.length > 0 && isSet(row.replicas), `${name} has replicas, each once`);
  assert(row.isr.every(isReplica) && isSet(row.isr), `${name}: the ISR is part of the replicas`);
  assert(row.elr.every(isReplica) && isSet(row.elr), `${name}: the ELR is part of the replicas`);
  assert(row.lost.every(isReplica) && isSet(row.lost), `${name}: the lost are part of the replicas`);
  assert(row.leader === NO_BROKER || row.isr.includes(row.leader), `${name}: the leader is in the ISR`);
  assert(!row.elr.some((broker) => row.isr.includes(broker)), `${name}: nobody is in ISR and ELR`);
  const isEligible = (broker: BrokerId): boolean => row.isr.includes(broker) || row.elr.includes(broker);
  assert(!row.lost.some(isEligible), `${name}: nobody is eligible and lost`);
  assert(row.adding.every(isReplica) && isSet(row.adding), `${name}: those being added are part of the replicas`);
  assert(row.removing.every(isReplica) && isSet(row.removing), `${name}: those that leave are part of the replicas`);
  const leaves = (broker: BrokerId): boolean => row.removing.includes(broker);
  assert(!row.adding.some(leaves), `${name}: nobody is being added and leaves`);
  assert(!row.replicas.every(leaves), `${name}: somebody stays`);
  assert(!row.removed.some(isReplica) && isSet(row.removed), `${name}: who was removed is no replica`);
  assert(row.minIsr >= 1 && row.minIsr <= row.replicas.length, `${name}: minIsr is between 1 and the replicas`);
}

function checkStep(before: PartitionRow | null, after: PartitionRow, name: string): void {
  if (before === null) return;
  assert(after.partitionEpoch === before.partitionEpoch + 1, `${name}: each change is one partition epoch`);
  assert(after.leaderEpoch >= before.leaderEpoch, `${name}: the leader epoch never falls`);
  const gone = before.replicas.filter((broker) => !after.replicas.includes(broker));
  assert(
    gone.every((broker) => after.removed.includes(broker)),
    `${name}: whose data is to go is named`,
  );
  assert(gone.length === 0 || after.leaderEpoch > before.leaderEpoch, `${name}: who goes ends the leader epoch`);
  const added = after.replicas.filter((broker) => !before.replicas.includes(broker));
  assert(!added.some((broker) => after.isr.includes(broker)), `${name}: who is new is not in sync yet`);
  const isLastGone = before.isr.length + before.elr.length > 0 && after.isr.length + after.elr.length === 0;
  assert(gone.length === 0 || !isLastGone, `${name}: the last who has everything does not go`);
  if (after.leader === before.leader) return;
  assert(after.leaderEpoch > before.leaderEpoch, `${name}: another leader leads in another epoch`);
}

function checkBroker(before: BrokerRecord | null, after: BrokerRecord): void {
  if (before === null) return;
  assert(after.epoch >= before.epoch, `broker ${after.id}: its epoch never falls`);
  if (after.incarnation === before.incarnation) return;
  assert(after.epoch > before.epoch, `broker ${after.id}: another process has another epoch`);
}

/** `earlier`: what the same commit changes before. */
function checkRemoval(
  before: State,
  id: BrokerId,
  earlier: { rows: ReadonlyMap<string, PartitionRow>; deleted: ReadonlySet<TopicId> },
): void {
  const known = [...allPartitions(before)].map(({ row }) => earlier.rows.get(nameOf(row)) ?? row);
  for (const row of [...known, ...earlier.rows.values()]) {
    if (earlier.deleted.has(row.topicId)) continue;
    assert(!row.replicas.includes(id), `broker ${id}: nothing is left on it, ${nameOf(row)} is`);
  }
}

const nameOf = ({ topicId, partition }: PartitionRow): string => `${topicId}/${partition}`;

const isSet = (brokers: readonly BrokerId[]): boolean => new Set(brokers).size === brokers.length;
