import { type BrokerId, partitionIndex } from "#base/ids.ts";
import type { AdminRequest, AdminResponse } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import {
  INVALID_REPLICA_ASSIGNMENT,
  INVALID_REPLICATION_FACTOR,
  INVALID_REQUEST,
  NO_REASSIGNMENT_IN_PROGRESS,
  NONE,
  REQUEST_TIMED_OUT,
  UNKNOWN_TOPIC_OR_PARTITION,
} from "../error-codes.ts";
import type { Event } from "../events.ts";
import { minInsyncReplicasOf } from "../min-isr.ts";
import { isReassigning, originalOf, retargeted, type RetargetProblem } from "../reassignment.ts";
import { type State, topicByName } from "../state.ts";

type Asked = Extract<AdminRequest, { kind: "alterReassignments" }>["partitions"][number];
type Answered = Extract<AdminResponse, { kind: "alterReassignments" }>["partitions"][number];
type Problem = { readonly errorCode: number; readonly errorMessage: string };

/** Partitions get another target assignment, or go back to the one they had; each by itself. */
export function decideReassignmentRequested(
  state: State,
  event: Extract<Event, { kind: "reassignmentRequested" }>,
): Decision {
  const { partitions: all, mayChangeReplicationFactor } = event.request;
  const changes: Change[] = [];
  const done = new Set<PartitionRow>();
  const partitions = all.map((asked): Answered => {
    const { topic, partition } = asked;
    const row = rowOf(state, asked);
    if (row !== null && done.has(row)) {
      return { topic, partition, errorCode: INVALID_REQUEST, errorMessage: "The partition is named more than once." };
    }
    const next = row === null ? UNKNOWN : aimed(state, row, { replicas: asked.replicas, mayChangeReplicationFactor });
    if ("errorCode" in next) return { topic, partition, ...next };
    if (row !== null) done.add(row);
    if (next !== row) changes.push({ kind: "partition", row: next });
    return { topic, partition, errorCode: NONE, errorMessage: null };
  });
  return decided(changes, { kind: "admin", response: { kind: "alterReassignments", partitions } });
}

const UNKNOWN: Problem = { errorCode: UNKNOWN_TOPIC_OR_PARTITION, errorMessage: "No such partition." };

function rowOf(state: State, { topic: name, partition }: Asked): PartitionRow | null {
  const topic = topicByName(state, name);
  if (topic === null || partition < 0) return null;
  return state.partitions.get(topic.topicId)?.[partitionIndex(partition)] ?? null;
}

function aimed(
  state: State,
  row: PartitionRow,
  asked: { replicas: readonly BrokerId[] | null; mayChangeReplicationFactor: boolean },
): PartitionRow | Problem {
  if (asked.replicas === null && !isReassigning(row)) {
    return { errorCode: NO_REASSIGNMENT_IN_PROGRESS, errorMessage: "No partition reassignment is in progress." };
  }
  const target = asked.replicas ?? originalOf(row);
  const problem = targetProblem(state, target);
  if (problem !== null) return { errorCode: INVALID_REPLICA_ASSIGNMENT, errorMessage: problem };
  const size = originalOf(row).length;
  if (!asked.mayChangeReplicationFactor && target.length !== size) {
    const errorMessage = `The partition has ${size} replicas, the target names ${target.length}.`;
    return { errorCode: INVALID_REPLICATION_FACTOR, errorMessage };
  }
  const topic = state.topics.get(row.topicId)!;
  const next = retargeted(row, target, minInsyncReplicasOf(state, topic));
  return typeof next === "string" ? refusals[next] : next;
}

const refusals: Readonly<Record<RetargetProblem, Problem>> = {
  leaderWouldGo: {
    errorCode: REQUEST_TIMED_OUT,
    errorMessage: "The leader would go, and could not hand over in time; try again.",
  },
  nobodyWouldBeLeft: {
    errorCode: INVALID_REPLICA_ASSIGNMENT,
    errorMessage: "Only replicas that would go have every record; wait until another one is in sync.",
  },
};

function targetProblem(state: State, target: readonly BrokerId[]): string | null {
  if (target.length === 0) return "The target assignment names no broker.";
  if (new Set(target).size !== target.length) return "The target assignment names a broker more than once.";
  const unknown = target.find((broker) => !state.brokers.has(broker));
  return unknown === undefined ? null : `The target assignment names broker ${unknown}, which is not registered.`;
}
