import type { PartitionRow } from "../../../broker/contract/rows.ts";
import type { Facts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";

const hasTwice = (list: readonly number[]): boolean => new Set(list).size !== list.length;

/** What is wrong with a row by itself; null when nothing is. */
function flawOf(row: PartitionRow): string | null {
  if (row.leader >= 0 && !row.isr.includes(row.leader)) return `leader ${row.leader} is not in the ISR`;
  if (!row.isr.every((id) => row.replicas.includes(id))) return "the ISR is not within the replicas";
  if (row.elr.some((id) => row.isr.includes(id))) return "a replica is in ISR and ELR";
  if (row.isr.length === 0 && row.leader >= 0) return "a leader without an ISR";
  if (hasTwice(row.isr) || hasTwice(row.elr) || hasTwice(row.replicas)) return "a replica is named twice";
  return null;
}

function flawOfChange(before: PartitionRow, after: PartitionRow): string | null {
  if (after.partitionEpoch <= before.partitionEpoch) {
    return `partition epoch ${after.partitionEpoch} after ${before.partitionEpoch}`;
  }
  if (after.leaderEpoch < before.leaderEpoch) return `leader epoch ${after.leaderEpoch} after ${before.leaderEpoch}`;
  if (after.leaderEpoch === before.leaderEpoch && after.leader !== before.leader && after.leader >= 0) {
    return `leaders ${before.leader} and ${after.leader} in leader epoch ${after.leaderEpoch}`;
  }
  return null;
}

/** Leader ∈ ISR ⊆ replicas, or none; at most one leader a leader epoch; epochs never fall. */
export function leadersAndEpochs(facts: Facts): Invariant {
  const leaderOf = new Map<string, number>();
  return {
    rowCommitted({ partition, before, after }) {
      const flaw = flawOf(after) ?? (before === null ? null : flawOfChange(before, after));
      if (flaw !== null) facts.fail(3, `${partition.name}: ${flaw}`);
      if (after.leader < 0) return;
      const key = `${partition.topicId}/${partition.partition}/${after.leaderEpoch}`;
      const known = leaderOf.get(key);
      if (known !== undefined && known !== after.leader) {
        facts.fail(3, `${partition.name}: leaders ${known} and ${after.leader} in leader epoch ${after.leaderEpoch}`);
      }
      leaderOf.set(key, after.leader);
    },
    brokerCommitted(record, before) {
      if (before === undefined || record.epoch >= before.epoch) return;
      facts.fail(3, `broker ${record.id}: broker epoch ${record.epoch} after ${before.epoch}`);
    },
    mirrorGrew(partition, mirror, fromOffset) {
      const last = mirror.batches.at(-1);
      if (last === undefined || last.baseOffset < fromOffset || partition.row === null) return;
      if (last.leaderEpoch > partition.row.leaderEpoch) {
        facts.fail(3, `${partition.name}: broker ${mirror.broker} wrote in epoch ${last.leaderEpoch}, never committed`);
      }
    },
  };
}
