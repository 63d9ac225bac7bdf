import type { Change } from "../changes.ts";
import { drainPlan, rebalancePlan } from "../copies.ts";
import { type Decision, decided } from "../decision.ts";
import type { Event } from "../events.ts";
import { minInsyncReplicasOf } from "../min-isr.ts";
import { isReassigning, retargeted } from "../reassignment.ts";
import { allPartitions, type State } from "../state.ts";

/**
 * The next partitions of what is to be moved: as many as keep the reassignments under way at `countMax`. Drains come
 * first; brokers are levelled once nothing is left to drain. Planned anew each time, from what the rows say then.
 */
export function decideCopiesCalled(state: State, event: Extract<Event, { kind: "copiesCalled" }>): Decision {
  const underWay = [...allPartitions(state)].filter(({ row }) => isReassigning(row)).length;
  const drain = [...state.brokers.values()].some(({ isDraining }) => isDraining) ? drainPlan(state) : NO_PLAN;
  const isDrained = drain.relocations.length + drain.unplaced === 0;
  const plan = isDrained && event.isRebalancing ? rebalancePlan(state) : drain;
  const changes: Change[] = [];
  let begun = 0;
  for (const { topic, row, target } of plan.relocations) {
    if (underWay + begun >= event.countMax) break;
    const next = retargeted(row, target, minInsyncReplicasOf(state, topic));
    // One that cannot be sent elsewhere now is looked at again.
    if (typeof next === "string" || next === row) continue;
    begun++;
    changes.push({ kind: "partition", row: next });
  }
  const remaining = underWay + plan.relocations.length + plan.unplaced;
  return decided(changes, { kind: "copies", begun, remaining });
}

const NO_PLAN = { relocations: [], unplaced: 0 };
