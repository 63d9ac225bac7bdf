import { type BrokerId, NO_TOPIC_ID, type TopicId } from "#base/ids.ts";
import { validateTopicConfig } from "#contract/config-values.ts";
import type { AdminResponse, NewTopic } from "#contract/control.ts";
import type { TopicRow } from "#contract/rows.ts";
import { topicNameProblem } from "#contract/topic-name.ts";
import { applyAll, type Draft, draftOf } from "../apply.ts";
import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import {
  INVALID_CONFIG,
  INVALID_PARTITIONS,
  INVALID_REPLICA_ASSIGNMENT,
  INVALID_REPLICATION_FACTOR,
  INVALID_REQUEST,
  INVALID_TOPIC_EXCEPTION,
  NONE,
  TOPIC_ALREADY_EXISTS,
} from "../error-codes.ts";
import type { Event } from "../events.ts";
import { assignmentProblem, newPartition } from "../new-partitions.ts";
import { place } from "../placement.ts";
import { clusterConfigOf, type State } from "../state.ts";

type Answered = Extract<AdminResponse, { kind: "createTopics" }>["topics"][number];
type Problem = { readonly errorCode: number; readonly errorMessage: string };

/** More partitions than this in one topic are taken for a mistake. */
export const PARTITIONS_MAX = 100_000;

/** Names that differ only in '.' and '_' are one name in metrics. */
const collisionKey = (name: string): string => name.replaceAll(".", "_");

export function decideTopicsCreateRequested(
  state: State,
  event: Extract<Event, { kind: "topicsCreateRequested" }>,
): Decision {
  const { request } = event;
  const draft = draftOf(state);
  const taken = new Map([...state.topicIds.keys()].map((name) => [collisionKey(name), name]));
  const asked = new Map<string, number>();
  for (const { name } of request.topics) asked.set(name, (asked.get(name) ?? 0) + 1);
  const changes: Change[] = [];
  const topics = request.topics.map((topic, index): Answered => {
    const isRepeated = asked.get(topic.name)! > 1;
    const problem = isRepeated
      ? { errorCode: INVALID_REQUEST, errorMessage: `Topic '${topic.name}' is named more than once.` }
      : (nameProblem(draft, topic.name, taken) ?? configProblem(topic));
    if (problem !== null) return refused(topic, problem);
    const topicId = event.topicIds[index]!;
    const created = create(draft, topic, { topicId, start: event.start + index });
    if ("errorCode" in created) return refused(topic, created);
    applyAll(draft, created.changes);
    taken.set(collisionKey(topic.name), topic.name);
    changes.push(...created.changes);
    return created.answer;
  });
  return decided(request.validateOnly ? [] : changes, { kind: "admin", response: { kind: "createTopics", topics } });
}

const refused = ({ name }: NewTopic, problem: Problem): Answered => ({
  name,
  topicId: NO_TOPIC_ID,
  partitionCount: -1,
  replicationFactor: -1,
  config: {},
  ...problem,
});

function nameProblem(state: State, name: string, taken: ReadonlyMap<string, string>): Problem | null {
  const problem = topicNameProblem(name);
  if (problem !== null) return { errorCode: INVALID_TOPIC_EXCEPTION, errorMessage: problem };
  if (state.topicIds.has(name)) {
    return { errorCode: TOPIC_ALREADY_EXISTS, errorMessage: `Topic '${name}' already exists.` };
  }
  const namesake = taken.get(collisionKey(name));
  if (namesake === undefined) return null;
  const errorMessage = `Topic '${name}' collides with existing topic: ${namesake}`;
  return { errorCode: INVALID_TOPIC_EXCEPTION, errorMessage };
}

function configProblem({ config }: NewTopic): Problem | null {
  const problem = validateTopicConfig(config);
  return problem === null ? null : { errorCode: INVALID_CONFIG, errorMessage: problem };
}

function create(
  draft: Draft,
  topic: NewTopic,
  { topicId, start }: { topicId: TopicId; start: number },
): { changes: Change[]; answer: Answered } | Problem {
  const placed = topic.assignments === null ? placeByRule(draft, topic, start) : placeByHand(draft, topic.assignments);
  if ("errorCode" in placed) return placed;
  const row: TopicRow = {
    topicId,
    name: topic.name,
    config: topic.config,
    partitionCount: placed.replicas.length,
    ...(topic.owner === undefined ? {} : { owner: topic.owner }),
  };
  const changes = placed.replicas.map((replicas, partition): Change => {
    return { kind: "partition", row: newPartition(draft, row, { partition, replicas }) };
  });
  // Last, so that a creation that is cut off leaves rows which count for nothing.
  changes.push({ kind: "topic", row });
  const answer: Answered = {
    name: topic.name,
    topicId,
    partitionCount: row.partitionCount,
    replicationFactor: placed.replicas[0]!.length,
    config: topic.config,
    errorCode: NONE,
    errorMessage: null,
  };
  return { changes, answer };
}

type Placed = { readonly replicas: readonly (readonly BrokerId[])[] } | Problem;

function placeByHand(state: State, assignments: readonly (readonly BrokerId[])[]): Placed {
  if (assignments.length === 0) {
    return { errorCode: INVALID_PARTITIONS, errorMessage: "The manual assignment has no partitions." };
  }
  const problem = assignmentProblem(state, assignments);
  if (problem !== null) return { errorCode: INVALID_REPLICA_ASSIGNMENT, errorMessage: problem };
  return { replicas: assignments };
}

function placeByRule(state: State, topic: NewTopic, start: number): Placed {
  const defaults = clusterConfigOf(state);
  const partitionCount = topic.partitionCount === -1 ? defaults.numPartitions : topic.partitionCount;
  const replicationFactor =
    topic.replicationFactor === -1 ? defaults.defaultReplicationFactor : topic.replicationFactor;
  if (partitionCount <= 0) {
    const errorMessage = "Number of partitions was set to an invalid non-positive value.";
    return { errorCode: INVALID_PARTITIONS, errorMessage };
  }
  if (partitionCount > PARTITIONS_MAX) {
    const errorMessage = `A topic has at most ${PARTITIONS_MAX} partitions, ${partitionCount} were asked for.`;
    return { errorCode: INVALID_PARTITIONS, errorMessage };
  }
  const problem = replicationProblem(state, replicationFactor);
  if (problem !== null) return { errorCode: INVALID_REPLICATION_FACTOR, errorMessage: problem };
  return { replicas: place(state, { partitionCount, replicationFactor, start }) };
}

function replicationProblem(state: State, replicationFactor: number): string | null {
  if (replicationFactor <= 0) return "Replication factor was set to an invalid non-positive value.";
  const brokerCount = state.brokers.size;
  if (replicationFactor <= brokerCount) return null;
  return (
    `Unable to replicate the partition ${replicationFactor} time(s): The target replication factor of ` +
    `${replicationFactor} cannot be reached because only ${brokerCount} broker(s) are registered.`
  );
}
