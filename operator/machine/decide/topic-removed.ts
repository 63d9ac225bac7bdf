import { type Decision, decided } from "../decision.ts";
import type { Event } from "../events.ts";
import type { State } from "../state.ts";

/** A replica's data of a deleted topic is gone. The last one to say so ends the deletion. */
export function decideTopicRemoved(state: State, event: Extract<Event, { kind: "topicRemoved" }>): Decision {
  const row = state.deletions.get(event.topicId);
  if (row === undefined || !row.waitingFor.includes(event.broker)) return decided([]);
  const waitingFor = row.waitingFor.filter((broker) => broker !== event.broker);
  return decided([{ kind: "deletion", row: { ...row, waitingFor } }]);
}
