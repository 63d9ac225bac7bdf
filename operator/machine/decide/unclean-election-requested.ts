import { partitionIndex, type TopicId } from "#base/ids.ts";
import type { AdminResponse, PartitionName } from "#contract/control.ts";
import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import type { Change } from "../changes.ts";
import { circumstancesOf } from "../circumstances.ts";
import { type Decision, decided } from "../decision.ts";
import {
  ELECTION_NOT_NEEDED,
  ELIGIBLE_LEADERS_NOT_AVAILABLE,
  NONE,
  UNKNOWN_TOPIC_OR_PARTITION,
} from "../error-codes.ts";
import type { Event, ReplicaEnd } from "../events.ts";
import { elect, ledAlone } from "../partition-election.ts";
import { originalOf } from "../reassignment.ts";
import { allPartitions, hasLeader, type State, topicByName } from "../state.ts";
import { currentEnds, greatestEnd } from "./log-ends-reported.ts";

type Answered = Extract<AdminResponse, { kind: "electLeaders" }>["partitions"][number];

/** A person accepts that records may be lost: whoever is alive and knows most leads. */
export function decideUncleanElectionRequested(
  state: State,
  event: Extract<Event, { kind: "uncleanElectionRequested" }>,
): Decision {
  const changes: Change[] = [];
  const ends = new Map(event.ends.map((one) => [nameOf(one), one.ends]));
  const done = new Set<string>();
  const partitions: Answered[] = [];
  for (const asked of event.partitions ?? offlinePartitions(state)) {
    const { topic, row } = find(state, asked);
    const outcome = topic === null || row === null ? null : electUnclean(state, { topic, row }, ends);
    if (row !== null && outcome !== null && typeof outcome !== "number" && !done.has(nameOf(row))) {
      done.add(nameOf(row));
      changes.push({ kind: "partition", row: outcome });
    }
    partitions.push({ ...asked, ...answerOf(outcome) });
  }
  return decided(changes, { kind: "admin", response: { kind: "electLeaders", partitions } });
}

const nameOf = ({ topicId, partition }: PartitionName): string => `${topicId satisfies TopicId}/${partition}`;

function answerOf(outcome: PartitionRow | number | null): { errorCode: number; errorMessage: string | null } {
  switch (outcome) {
    case null:
      return { errorCode: UNKNOWN_TOPIC_OR_PARTITION, errorMessage: "No such partition." };
    case ELECTION_NOT_NEEDED:
      return { errorCode: ELECTION_NOT_NEEDED, errorMessage: "The partition has a leader." };
    case ELIGIBLE_LEADERS_NOT_AVAILABLE:
      return { errorCode: ELIGIBLE_LEADERS_NOT_AVAILABLE, errorMessage: "None of its replicas is alive." };
    default:
      return { errorCode: NONE, errorMessage: null };
  }
}

function* offlinePartitions(state: State): Generator<{ topic: string; partition: number }> {
  for (const { topic, row } of allPartitions(state)) {
    if (!hasLeader(row)) yield { topic: topic.name, partition: row.partition };
  }
}

function find(state: State, asked: { topic: string; partition: number }) {
  const topic = topicByName(state, asked.topic);
  if (topic === null || asked.partition < 0) return { topic, row: null };
  return { topic, row: state.partitions.get(topic.topicId)?.[partitionIndex(asked.partition)] ?? null };
}

function electUnclean(
  state: State,
  { topic, row }: { topic: TopicRow; row: PartitionRow },
  ends: ReadonlyMap<string, readonly ReplicaEnd[]>,
): PartitionRow | number {
  if (hasLeader(row)) return ELECTION_NOT_NEEDED;
  const circumstances = circumstancesOf(state, topic);
  const clean = elect(row, row, { ...circumstances, isUncleanAllowed: false });
  if (hasLeader(clean)) return clean;
  const best = greatestEnd(row, currentEnds(state, row, ends.get(nameOf(row)) ?? []));
  if (best !== null) return ledAlone(row, best.broker);
  // Last come those that are only being added: they may hold nothing at all yet.
  const any = [...originalOf(row), ...row.adding].find((broker) => circumstances.isAlive(broker));
  return any === undefined ? ELIGIBLE_LEADERS_NOT_AVAILABLE : ledAlone(row, any);
}
