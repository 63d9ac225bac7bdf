import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import { settleMembership } from "../elr.ts";
import type { Event } from "../events.ts";
import { revised } from "../partition-election.ts";
import { allPartitions, type State } from "../state.ts";

/**
 * What the broker still leads nobody else could take. Everywhere else it leaves the ISR now, so that no leader waits
 * for it while it stops.
 */
export function decideShutdownPrepared(state: State, event: Extract<Event, { kind: "shutdownPrepared" }>): Decision {
  const { broker } = event;
  const changes: Change[] = [];
  for (const { row } of allPartitions(state)) {
    if (row.leader === broker || !row.isr.includes(broker)) continue;
    const isr = row.isr.filter((member) => member !== broker);
    if (isr.length === 0) continue;
    changes.push({ kind: "partition", row: revised(row, settleMembership(row, { isr })) });
  }
  return decided(changes);
}
