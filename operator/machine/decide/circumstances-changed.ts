import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import type { Change } from "../changes.ts";
import { circumstancesOf } from "../circumstances.ts";
import { type Decision, decided } from "../decision.ts";
import { settleMembership } from "../elr.ts";
import { minInsyncReplicasOf, minIsrOf } from "../min-isr.ts";
import { withMinIsr } from "../min-isr-change.ts";
import { elect, revised } from "../partition-election.ts";
import { completed } from "../reassignment.ts";
import { isAlive, type State, topicConfigOf } from "../state.ts";

/**
 * Level-based: whatever the rows say that no longer fits is put right, however it came about. Offline partitions get a
 * leader if somebody can lead; dead members that a cut-off commit left behind leave; minIsr follows the setting; a
 * reassignment that waits for nothing any more is completed; `synced` goes where `flush.messages=1` is no longer what
 * the brokers are started with.
 */
export function decideCircumstancesChanged(state: State): Decision {
  const changes: Change[] = [];
  for (const [topicId, rows] of state.partitions) {
    const topic = state.topics.get(topicId);
    if (topic === undefined) {
      changes.push({ kind: "rowsSwept", topicId });
      continue;
    }
    const minInsyncReplicas = minInsyncReplicasOf(state, topic);
    const mayBeSynced = topicConfigOf(state, topic).flushMessages === 1;
    for (const row of rows) {
      const synced = row.synced && mayBeSynced;
      const settings = { minIsr: minIsrOf(minInsyncReplicas, row), minInsyncReplicas, synced };
      const next = fitted(state, { topic, ...settings }, row);
      if (next !== row) changes.push({ kind: "partition", row: next });
    }
  }
  return decided(changes);
}

function fitted(
  state: State,
  settings: { topic: TopicRow; minIsr: number; minInsyncReplicas: number; synced: boolean },
  row: PartitionRow,
): PartitionRow {
  const { topic, minIsr, minInsyncReplicas, synced } = settings;
  const sized = minIsr === row.minIsr ? row : withMinIsr(row, minIsr);
  // Who left the cluster confirms nothing any more.
  const removed = row.removed.filter((broker) => state.brokers.has(broker));
  const base = { ...sized, synced, removed };
  const isr = base.isr.filter((broker) => isAlive(state, broker));
  const isSettled = isr.length === base.isr.length && isr.includes(base.leader);
  const next = isSettled ? base : elect(base, settleMembership(base, { isr }), circumstancesOf(state, topic));
  // The step counts once, whatever it was made of.
  return revised(row, completed(row, next, minInsyncReplicas));
}
