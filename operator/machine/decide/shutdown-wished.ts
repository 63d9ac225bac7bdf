import { draftOf } from "../apply.ts";
import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import type { Event } from "../events.ts";
import { movesAwayFrom } from "../moves.ts";
import type { State } from "../state.ts";

/** A broker wants to stop: from now on it is given nothing to lead, and what it leads is to move. */
export function decideShutdownWished(state: State, event: Extract<Event, { kind: "shutdownWished" }>): Decision {
  const record = state.brokers.get(event.broker);
  if (record === undefined) return decided([], { kind: "moves", moves: [] });
  const leaving = { ...record, isShuttingDown: true };
  const after = draftOf(state);
  after.brokers.set(record.id, leaving);
  const changes: Change[] = record.isShuttingDown ? [] : [{ kind: "broker", broker: leaving }];
  return decided(changes, { kind: "moves", moves: movesAwayFrom(after, record.id) });
}
