import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import { BROKER_ID_NOT_REGISTERED, INVALID_REQUEST, NONE } from "../error-codes.ts";
import type { Event } from "../events.ts";
import { revised } from "../partition-election.ts";
import { allPartitions, type State } from "../state.ts";

/**
 * A broker leaves the cluster for good. It must be away, or it would register again, and nothing may be assigned to it.
 * Whatever data it had yet to delete is no longer waited for.
 */
export function decideBrokerRemovalRequested(
  state: State,
  event: Extract<Event, { kind: "brokerRemovalRequested" }>,
): Decision {
  const { broker } = event.request;
  const problem = problemOf(state, event.request);
  if (problem !== null) return decided([], { kind: "admin", response: { kind: "removeBroker", ...problem } });
  const changes: Change[] = [];
  for (const { row } of allPartitions(state)) {
    if (!row.removed.includes(broker)) continue;
    const removed = row.removed.filter((one) => one !== broker);
    changes.push({ kind: "partition", row: revised(row, { removed }) });
  }
  for (const row of state.deletions.values()) {
    if (!row.waitingFor.includes(broker)) continue;
    const waitingFor = row.waitingFor.filter((one) => one !== broker);
    changes.push({ kind: "deletion", row: { ...row, waitingFor } });
  }
  changes.push({ kind: "brokerRemoved", id: broker });
  const response = { kind: "removeBroker", errorCode: NONE, errorMessage: null } as const;
  return decided(changes, { kind: "admin", response });
}

function problemOf(
  state: State,
  { broker }: Extract<Event, { kind: "brokerRemovalRequested" }>["request"],
): { errorCode: number; errorMessage: string } | null {
  const record = state.brokers.get(broker);
  if (record === undefined) {
    return { errorCode: BROKER_ID_NOT_REGISTERED, errorMessage: `Broker ${broker} is not registered.` };
  }
  if (!record.isFenced) {
    return { errorCode: INVALID_REQUEST, errorMessage: `Broker ${broker} is still running; stop it first.` };
  }
  const held = [...allPartitions(state)].filter(({ row }) => row.replicas.includes(broker));
  const [first] = held;
  if (first === undefined) return null;
  const example = `${first.topic.name}-${first.row.partition}`;
  const errorMessage = `Broker ${broker} still has ${held.length} partition(s), ${example} among them; drain it first.`;
  return { errorCode: INVALID_REQUEST, errorMessage };
}
