import { type Decision, decided } from "../decision.ts";
import type { State } from "../state.ts";

/** Producer ids are handed to brokers in blocks of this many. */
export const PRODUCER_ID_BLOCK = 1000;

export function decideProducerIdsRequested(state: State): Decision {
  const first = state.nextProducerId;
  return decided([{ kind: "nextProducerId", value: first + PRODUCER_ID_BLOCK }], {
    kind: "admin",
    response: { kind: "allocateProducerIds", first, count: PRODUCER_ID_BLOCK },
  });
}
