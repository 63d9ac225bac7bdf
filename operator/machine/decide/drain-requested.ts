import type { AdminResponse } from "#contract/control.ts";
import type { BrokerId } from "#base/ids.ts";
import { drainProblem } from "../copies.ts";
import { type Decision, decided } from "../decision.ts";
import { BROKER_ID_NOT_REGISTERED, INVALID_REPLICATION_FACTOR, NONE } from "../error-codes.ts";
import type { Event } from "../events.ts";
import { allPartitions, type State } from "../state.ts";

/**
 * A broker is to be emptied, or no longer. Only the wish is noted here; what it holds moves a few partitions at a time
 * (`copiesCalled`). What has begun to move goes on when the wish is taken back.
 */
export function decideDrainRequested(state: State, event: Extract<Event, { kind: "drainRequested" }>): Decision {
  const { broker, isDraining } = event.request;
  const record = state.brokers.get(broker);
  const answer = (errorCode: number, errorMessage: string | null): Decision["answer"] => {
    const response: AdminResponse = { kind: "drainBroker", errorCode, errorMessage, ...leftOn(state, broker) };
    return { kind: "admin", response };
  };
  if (record === undefined) return decided([], answer(BROKER_ID_NOT_REGISTERED, `Broker ${broker} is not registered.`));
  if (record.isDraining === isDraining) return decided([], answer(NONE, null));
  const problem = isDraining ? drainProblem(state, broker) : null;
  if (problem !== null) return decided([], answer(INVALID_REPLICATION_FACTOR, problem));
  return decided([{ kind: "broker", broker: { ...record, isDraining } }], answer(NONE, null));
}

function leftOn(state: State, broker: BrokerId): { assigned: number; unconfirmed: number } {
  let assigned = 0;
  let unconfirmed = 0;
  for (const { row } of allPartitions(state)) {
    if (row.replicas.includes(broker)) assigned++;
    if (row.removed.includes(broker)) unconfirmed++;
  }
  return { assigned, unconfirmed };
}
