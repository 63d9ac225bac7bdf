import type { BrokerId } from "#base/ids.ts";
import type { IsrProposal } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { isSameProcess } from "../broker-epoch-check.ts";
import { type Decision, decided } from "../decision.ts";
import { settleMembership } from "../elr.ts";
import type { Event } from "../events.ts";
import { minInsyncReplicasOf } from "../min-isr.ts";
import { revised } from "../partition-election.ts";
import { completed } from "../reassignment.ts";
import { partitionOf, type State } from "../state.ts";

/**
 * A leader wishes another ISR: compare-and-swap on leader epoch and partition epoch, each member by the process that
 * the leader saw. Success is the newer row; a refusal is definite.
 */
export function decideIsrProposed(state: State, event: Extract<Event, { kind: "isrProposed" }>): Decision {
  const { broker, proposal } = event;
  const refuse = (reason: string): Decision => decided([], { kind: "isrRefused", reason });
  const row = partitionOf(state, proposal);
  const topic = state.topics.get(proposal.topicId);
  if (row === null || topic === undefined) return refuse("no such partition");
  if (row.leader !== broker) return refuse(`broker ${broker} is not its leader`);
  if (row.leaderEpoch !== proposal.leaderEpoch) return refuse(`the leader epoch is ${row.leaderEpoch}`);
  if (row.partitionEpoch !== proposal.partitionEpoch) return refuse(`the partition epoch is ${row.partitionEpoch}`);
  const problem = memberProblem(state, row, proposal);
  if (problem !== null) return refuse(problem);
  const isr = proposal.isr.map((member) => member.broker);
  const settled = { ...row, ...settleMembership(row, { isr }) };
  const next = revised(row, completed(row, settled, minInsyncReplicasOf(state, topic)));
  if (next === row) return refuse("the ISR is that already");
  return decided([{ kind: "partition", row: next }]);
}

function memberProblem(state: State, row: PartitionRow, proposal: IsrProposal): string | null {
  const seen = new Set<BrokerId>();
  for (const { broker, brokerEpoch } of proposal.isr) {
    if (seen.has(broker)) return `broker ${broker} is named twice`;
    seen.add(broker);
    if (!row.replicas.includes(broker)) return `broker ${broker} is no replica`;
    const record = state.brokers.get(broker);
    if (record === undefined || record.isFenced) return `broker ${broker} has no session`;
    if (!isSameProcess({ proposed: brokerEpoch, registered: record.epoch })) {
      return `broker ${broker} registered anew`;
    }
    if (record.isShuttingDown && !row.isr.includes(broker)) return `broker ${broker} is shutting down`;
  }
  return seen.has(row.leader) ? null : "the leader is not part of it";
}
