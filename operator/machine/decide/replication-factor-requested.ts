import type { AdminResponse } from "#contract/control.ts";
import { begin, resizePlan } from "../copies.ts";
import { type Decision, decided } from "../decision.ts";
import { INVALID_REPLICATION_FACTOR, NONE, UNKNOWN_TOPIC_OR_PARTITION } from "../error-codes.ts";
import type { Event } from "../events.ts";
import { isReassigning } from "../reassignment.ts";
import { type State, topicByName } from "../state.ts";

/** A topic is to have another number of replicas. Partitions that have it already are left as they are. */
export function decideReplicationFactorRequested(
  state: State,
  event: Extract<Event, { kind: "replicationFactorRequested" }>,
): Decision {
  const { topic: name, replicationFactor } = event.request;
  const answer = (errorCode: number, errorMessage: string | null, remaining: number): Decision["answer"] => {
    const response: AdminResponse = { kind: "setReplicationFactor", errorCode, errorMessage, remaining };
    return { kind: "admin", response };
  };
  const topic = topicByName(state, name);
  if (topic === null) {
    return decided([], answer(UNKNOWN_TOPIC_OR_PARTITION, `There is no topic '${name}'.`, 0));
  }
  const stay = [...state.brokers.values()].filter(({ isDraining }) => !isDraining).length;
  if (replicationFactor < 1 || replicationFactor > stay) {
    const problem = `A replication factor of ${replicationFactor} cannot be reached with ${stay} broker(s).`;
    return decided([], answer(INVALID_REPLICATION_FACTOR, problem, 0));
  }
  const plan = resizePlan(state, topic, replicationFactor);
  const { changes } = begin(state, plan, event.countMax);
  const onTheWay = (state.partitions.get(topic.topicId) ?? []).filter((row) => isReassigning(row)).length;
  return decided(changes, answer(NONE, null, onTheWay + plan.relocations.length + plan.unplaced));
}
