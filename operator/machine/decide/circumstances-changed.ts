import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import type { Change } from "../changes.ts";
import { circumstancesOf } from "../circumstances.ts";
import { type Decision, decided } from "../decision.ts";
import { settleMembership } from "../elr.ts";
import { minInsyncReplicasOf, minIsrOf } from "../min-isr.ts";
import { withMinIsr } from "../min-isr-change.ts";
import { elect, revised } from "../partition-election.ts";
import { isAlive, type State, topicConfigOf } from "../state.ts";

/**
 * Level-based: whatever the rows say that no longer fits is put right, however it came about. Offline partitions get a
 * leader if somebody can lead; dead members that a cut-off commit left behind leave; minIsr follows the setting;
 * `synced` goes where `flush.messages=1` is no longer what the brokers are started with.
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
      const settings = { minIsr: minIsrOf(minInsyncReplicas, row), synced: row.synced && mayBeSynced };
      const next = fitted(state, { topic, ...settings }, row);
      if (next !== row) changes.push({ kind: "partition", row: next });
    }
  }
  return decided(changes);
}

function fitted(
  state: State,
  { topic, minIsr, synced }: { topic: TopicRow; minIsr: number; synced: boolean },
  row: PartitionRow,
): PartitionRow {
  const sized = minIsr === row.minIsr ? row : withMinIsr(row, minIsr);
  const base = synced === row.synced ? sized : { ...sized, synced };
  const isr = base.isr.filter((broker) => isAlive(state, broker));
  const isSettled = isr.length === base.isr.length && isr.includes(base.leader);
  if (isSettled) return base === row ? row : revised(row, base);
  const next = elect(base, settleMembership(base, { isr }), circumstancesOf(state, topic));
  // The step counts once, whatever it was made of.
  return next === base ? revised(row, base) : next;
}
