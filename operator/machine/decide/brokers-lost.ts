import type { BrokerId } from "#base/ids.ts";
import type { Change } from "../changes.ts";
import { circumstancesOf } from "../circumstances.ts";
import { type Decision, decided } from "../decision.ts";
import { settleMembership } from "../elr.ts";
import type { Event } from "../events.ts";
import { elect } from "../partition-election.ts";
import { allPartitions, type State } from "../state.ts";

/** Brokers died together: out of every ISR at once, other leaders, then the registry says so. */
export function decideBrokersLost(state: State, event: Extract<Event, { kind: "brokersLost" }>): Decision {
  const dead = new Set<BrokerId>();
  for (const { broker, incarnation } of event.brokers) {
    const record = state.brokers.get(broker);
    if (record !== undefined && !record.isFenced && record.incarnation === incarnation) dead.add(broker);
  }
  if (dead.size === 0) return decided([]);
  const changes: Change[] = [];
  for (const { topic, row } of allPartitions(state)) {
    if (!row.isr.some((broker) => dead.has(broker))) continue;
    const isr = row.isr.filter((broker) => !dead.has(broker));
    const next = elect(row, settleMembership(row, { isr }), circumstancesOf(state, topic, dead));
    changes.push({ kind: "partition", row: next });
  }
  for (const broker of dead) {
    changes.push({ kind: "broker", broker: { ...state.brokers.get(broker)!, isFenced: true } });
  }
  return decided(changes);
}
