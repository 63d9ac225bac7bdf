import type { BrokerId } from "#base/ids.ts";
import type { AdminRequest, AdminResponse } from "#contract/control.ts";
import type { TopicRow } from "#contract/rows.ts";
import { applyAll, draftOf } from "../apply.ts";
import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import {
  INVALID_PARTITIONS,
  INVALID_REPLICA_ASSIGNMENT,
  INVALID_REPLICATION_FACTOR,
  INVALID_REQUEST,
  NONE,
  UNKNOWN_TOPIC_OR_PARTITION,
} from "../error-codes.ts";
import type { Event } from "../events.ts";
import { assignmentProblem, newPartition } from "../new-partitions.ts";
import { place } from "../placement.ts";
import { targetOf } from "../reassignment.ts";
import { type State, topicByName } from "../state.ts";
import { PARTITIONS_MAX } from "./topics-create-requested.ts";

type Asked = Extract<AdminRequest, { kind: "createPartitions" }>["topics"][number];
type Answered = Extract<AdminResponse, { kind: "createPartitions" }>["topics"][number];
type Problem = { readonly errorCode: number; readonly errorMessage: string };

/** Topics grow. They never shrink: records would be lost, and keys change their partition. */
export function decidePartitionsCreateRequested(
  state: State,
  event: Extract<Event, { kind: "partitionsCreateRequested" }>,
): Decision {
  const { request } = event;
  const draft = draftOf(state);
  const counts = new Map<string, number>();
  for (const { name } of request.topics) counts.set(name, (counts.get(name) ?? 0) + 1);
  const changes: Change[] = [];
  const topics = request.topics.map((asked, index): Answered => {
    const isRepeated = counts.get(asked.name)! > 1;
    const grown = isRepeated
      ? { errorCode: INVALID_REQUEST, errorMessage: `Topic '${asked.name}' is named more than once.` }
      : grow(draft, asked, event.start + index);
    if (!Array.isArray(grown)) return { name: asked.name, ...grown };
    applyAll(draft, grown);
    changes.push(...grown);
    return { name: asked.name, errorCode: NONE, errorMessage: null };
  });
  const response: AdminResponse = { kind: "createPartitions", topics };
  return decided(request.validateOnly ? [] : changes, { kind: "admin", response });
}

function grow(state: State, asked: Asked, start: number): Change[] | Problem {
  const topic = topicByName(state, asked.name);
  if (topic === null) {
    const errorMessage = "This server does not host this topic-partition.";
    return { errorCode: UNKNOWN_TOPIC_OR_PARTITION, errorMessage };
  }
  const problem = countProblem(topic, asked.totalCount);
  if (problem !== null) return { errorCode: INVALID_PARTITIONS, errorMessage: problem };
  const added = asked.totalCount - topic.partitionCount;
  const placed = replicasOf(state, topic, { asked, added, start });
  if (!Array.isArray(placed)) return placed;
  const changes = placed.map((replicas, index): Change => {
    const partition = topic.partitionCount + index;
    return { kind: "partition", row: newPartition(state, topic, { partition, replicas }) };
  });
  changes.push({ kind: "topic", row: { ...topic, partitionCount: asked.totalCount } });
  return changes;
}

function countProblem(topic: TopicRow, totalCount: number): string | null {
  const has = topic.partitionCount;
  if (totalCount === has) return `Topic already has ${has} partition(s).`;
  if (totalCount < has) {
    return `The topic ${topic.name} currently has ${has} partition(s); ${totalCount} would not be an increase.`;
  }
  return totalCount > PARTITIONS_MAX ? `A topic has at most ${PARTITIONS_MAX} partitions.` : null;
}

function targetSizeOf(state: State, topic: TopicRow): number {
  const first = state.partitions.get(topic.topicId)?.[0];
  return first === undefined ? 1 : targetOf(first).length;
}

function replicasOf(
  state: State,
  topic: TopicRow,
  { asked, added, start }: { asked: Asked; added: number; start: number },
): (readonly BrokerId[])[] | Problem {
  const replicationFactor = targetSizeOf(state, topic);
  if (asked.assignments === null) {
    if (replicationFactor > state.brokers.size) {
      const there = `only ${state.brokers.size} broker(s) are registered`;
      const errorMessage = `The topic has ${replicationFactor} replicas, but ${there}.`;
      return { errorCode: INVALID_REPLICATION_FACTOR, errorMessage };
    }
    return place(state, { partitionCount: added, replicationFactor, start });
  }
  const refuse = (errorMessage: string): Problem => ({ errorCode: INVALID_REPLICA_ASSIGNMENT, errorMessage });
  if (asked.assignments.length !== added) {
    const counted = `${added} partition(s) are added, but ${asked.assignments.length} assignment(s) given`;
    return refuse(`Attempted to add partitions with the wrong number of assignments: ${counted}.`);
  }
  const problem = assignmentProblem(state, asked.assignments);
  if (problem !== null) return refuse(problem);
  const given = asked.assignments[0]!.length;
  if (given !== replicationFactor) {
    return refuse(`The manual assignment names ${given} brokers, the topic has ${replicationFactor} replicas.`);
  }
  return [...asked.assignments];
}
