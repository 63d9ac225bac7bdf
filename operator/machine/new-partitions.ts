import { type BrokerId, leaderEpoch, NO_BROKER, partitionEpoch, partitionIndex } from "#base/ids.ts";
import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import { minInsyncReplicasOf, minIsrOf } from "./min-isr.ts";
import { hasLeader, isAlive, isAvailable, type State } from "./state.ts";

/**
 * The first row of a partition. Nothing is committed yet, so whoever is alive is in sync; if nobody is, the whole
 * assignment is eligible and the first one back leads.
 */
export function newPartition(
  state: State,
  topic: TopicRow,
  place: { partition: number; replicas: readonly BrokerId[] },
): PartitionRow {
  const { replicas } = place;
  const isr = replicas.filter((broker) => isAlive(state, broker));
  const leader = isr.find((broker) => isAvailable(state, broker)) ?? isr[0] ?? NO_BROKER;
  const row: PartitionRow = {
    topicId: topic.topicId,
    partition: partitionIndex(place.partition),
    replicas,
    adding: [],
    removing: [],
    removed: [],
    leader,
    leaderEpoch: leaderEpoch(0),
    partitionEpoch: partitionEpoch(0),
    isr,
    elr: [],
    lost: [],
    minIsr: minIsrOf(minInsyncReplicasOf(state, topic), { replicas, adding: [], removing: [] }),
    synced: false,
  };
  return hasLeader(row) ? row : { ...row, elr: replicas };
}

/** null, or what is wrong with placing partitions by hand. Every list names registered brokers, each once. */
export function assignmentProblem(state: State, assignments: readonly (readonly BrokerId[])[]): string | null {
  const size = assignments[0]?.length ?? 0;
  for (const [partition, replicas] of assignments.entries()) {
    const where = `partition ${partition}`;
    if (replicas.length === 0) return `The manual assignment of ${where} names no broker.`;
    if (replicas.length !== size) {
      return `The manual assignment of ${where} names ${replicas.length} brokers, that of partition 0 names ${size}.`;
    }
    if (new Set(replicas).size !== replicas.length) {
      return `The manual assignment of ${where} names a broker more than once.`;
    }
    const unknown = replicas.find((broker) => !state.brokers.has(broker));
    if (unknown !== undefined)
      return `The manual assignment of ${where} names broker ${unknown}, which is not registered.`;
  }
  return null;
}
