import type { PartitionRow } from "#contract/rows.ts";
import { type Decision, decided } from "../decision.ts";
import type { Event, ReplicaEnd } from "../events.ts";
import { ledAlone } from "../partition-election.ts";
import { isAlive, partitionOf, type State } from "../state.ts";
import { needsComparison, waitsFor } from "../waiting.ts";

/**
 * Nobody is left who surely has everything, and the replicas said what they have. Once all who count are back, and
 * everybody alive has answered, the greatest log leads.
 */
export function decideLogEndsReported(state: State, event: Extract<Event, { kind: "logEndsReported" }>): Decision {
  const row = partitionOf(state, event.partition);
  if (row === null || !state.topics.has(row.topicId) || !needsComparison(row)) return decided([]);
  const ends = currentEnds(state, row, event.partition.ends);
  if (!event.isTimedOut) {
    if (waitsFor(state, row).length > 0) return decided([]);
    const hasAnswered = new Set(ends.map((end) => end.broker));
    if (row.replicas.some((broker) => isAlive(state, broker) && !hasAnswered.has(broker))) return decided([]);
  }
  const best = greatestEnd(row, ends);
  if (best === null) return decided([]);
  return decided([{ kind: "partition", row: ledAlone(row, best.broker) }]);
}

/** Answers of the processes that are registered now; what an earlier process said is void. */
export const currentEnds = (state: State, row: PartitionRow, ends: readonly ReplicaEnd[]): ReplicaEnd[] =>
  ends.filter(({ broker, brokerEpoch }) => {
    const record = state.brokers.get(broker);
    return row.replicas.includes(broker) && record?.isFenced === false && record.epoch === brokerEpoch;
  });

/**
 * Whose log is to lead. Of the last members the greatest: together they held all that was committed. A replica that was
 * no member any more may lead instead only where its log goes on from theirs: one that ends in a later epoch may have
 * left the others' way before.
 */
export function greatestEnd(row: PartitionRow, ends: readonly ReplicaEnd[]): ReplicaEnd | null {
  const ofMembers = greatestOf(
    row,
    ends.filter(({ broker }) => row.lost.includes(broker)),
  );
  if (ofMembers === null) return greatestOf(row, ends);
  return greatestOf(
    row,
    ends.filter(({ lastEpoch }) => lastEpoch === ofMembers.lastEpoch),
  );
}

/** By last epoch, then log end; between equals the first in assignment order. */
function greatestOf(row: PartitionRow, ends: readonly ReplicaEnd[]): ReplicaEnd | null {
  let best: ReplicaEnd | null = null;
  for (const replica of row.replicas) {
    const end = ends.find(({ broker }) => broker === replica);
    if (end === undefined) continue;
    const isGreater =
      best === null || end.lastEpoch > best.lastEpoch || (end.lastEpoch === best.lastEpoch && end.logEnd > best.logEnd);
    if (isGreater) best = end;
  }
  return best;
}
