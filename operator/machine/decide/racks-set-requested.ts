import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import { BROKER_ID_NOT_REGISTERED, NONE } from "../error-codes.ts";
import type { Event } from "../events.ts";
import type { State } from "../state.ts";

/** Where brokers stand, said by whoever can see it. New replicas are placed by it; those there are stay. */
export function decideRacksSetRequested(state: State, event: Extract<Event, { kind: "racksSetRequested" }>): Decision {
  const { racks } = event.request;
  const stranger = racks.find(({ broker }) => !state.brokers.has(broker));
  if (stranger !== undefined) {
    const errorMessage = `Broker ${stranger.broker} is not registered.`;
    const response = { kind: "setRacks", errorCode: BROKER_ID_NOT_REGISTERED, errorMessage } as const;
    return decided([], { kind: "admin", response });
  }
  const changes = racks.flatMap(({ broker, rack }): Change[] => {
    const record = state.brokers.get(broker);
    return record === undefined || record.rack === rack ? [] : [{ kind: "broker", broker: { ...record, rack } }];
  });
  return decided(changes, { kind: "admin", response: { kind: "setRacks", errorCode: NONE, errorMessage: null } });
}
