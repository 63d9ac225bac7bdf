import { begin, drainPlan, NO_PLAN, rebalancePlan } from "../copies.ts";
import { type Decision, decided } from "../decision.ts";
import type { Event } from "../events.ts";
import type { State } from "../state.ts";

/**
 * The next partitions of what is to be moved. Drains come first; brokers are levelled once nothing is left to drain.
 * Planned anew each time, from what the rows say then.
 */
export function decideCopiesCalled(state: State, event: Extract<Event, { kind: "copiesCalled" }>): Decision {
  const drain = [...state.brokers.values()].some(({ isDraining }) => isDraining) ? drainPlan(state) : NO_PLAN;
  const isDrained = drain.relocations.length + drain.unplaced === 0;
  const plan = isDrained && event.isRebalancing ? rebalancePlan(state) : drain;
  const { changes, remaining } = begin(state, plan, event.countMax);
  return decided(changes, { kind: "copies", begun: changes.length, remaining });
}
