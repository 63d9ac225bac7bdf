import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import { BROKER_ID_NOT_REGISTERED, NONE } from "../error-codes.ts";
import type { Event } from "../events.ts";
import type { State } from "../state.ts";

/** Where brokers stand, said by whoever can see it. New replicas are placed by it; those there are stay. */
export function decideRacksSetRequested(state: State, event: Extract<Event, { kind: "racksSetRequested" }>): Decision {
  const changes: Change[] = [];
  for (const { broker, rack } of event.request.racks) {
    const record = state.brokers.get(broker);
    if (record === undefined) {
      const errorMessage = `Broker ${broker} is not registered.`;
      const response = { kind: "setRacks", errorCode: BROKER_ID_NOT_REGISTERED, errorMessage } as const;
      return decided([], { kind: "admin", response });
    }
    if (record.rack !== rack) changes.push({ kind: "broker", broker: { ...record, rack } });
  }
  return decided(changes, { kind: "admin", response: { kind: "setRacks", errorCode: NONE, errorMessage: null } });
}
