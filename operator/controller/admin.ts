import { partitionIndex, type TopicId, topicId } from "#base/ids.ts";
import { below, type Random } from "#base/random.ts";
import type { AdminRequest, AdminResponse } from "#contract/control.ts";
import type { Answer, Move } from "../machine/decision.ts";
import {
  ELECTION_NOT_NEEDED,
  NONE,
  NOT_CONTROLLER,
  PREFERRED_LEADER_NOT_AVAILABLE,
  UNKNOWN_TOPIC_OR_PARTITION,
} from "../machine/error-codes.ts";
import type { Event, PartitionEnds } from "../machine/events.ts";
import { preferredStanding } from "../machine/moves.ts";
import { allPartitions, type State, topicByName } from "../machine/state.ts";
import type { HandOvers } from "./hand-overs.ts";
import { COPIES_MAX, type Reassigner } from "./reassigner.ts";

type Elected = Extract<AdminResponse, { kind: "electLeaders" }>["partitions"][number];
type Named = { readonly topic: string; readonly partition: number };

export interface AdminLinks {
  readonly random: Random;
  readonly handOvers: HandOvers;
  readonly reassigner: Reassigner;
  state(): State;
  submit(event: Event, done: (answer: Answer | null) => void): void;
  knownEnds(): PartitionEnds[];
}

const NOT_DECIDING: AdminResponse = {
  kind: "failed",
  errorCode: NOT_CONTROLLER,
  errorMessage: "this controller decides no more; try again",
};

/** Answers an administrative request, once whatever it changed is committed. Always resolves. */
export async function answerAdmin(request: AdminRequest, links: AdminLinks): Promise<AdminResponse> {
  if (request.kind === "electLeaders" && request.election === "preferred") {
    return electPreferred(request.partitions, links);
  }
  if (request.kind === "listReassignments") {
    return { kind: "listReassignments", reassignments: links.reassigner.list(request.partitions) };
  }
  if (request.kind === "rebalance") return links.reassigner.rebalance();
  if (request.kind === "alterReassignments") await links.reassigner.prepare(request);
  const answer = await new Promise<Answer | null>((done) => links.submit(eventOf(request, links), done));
  if (answer === null || answer.kind !== "admin") return NOT_DECIDING;
  // Settings decide who may lead and what minIsr is.
  if (request.kind === "drainBroker") links.reassigner.wake();
  if (request.kind === "alterConfigs") links.submit({ kind: "circumstancesChanged" }, () => {});
  return answer.response;
}

/** Those that the controller answers by itself. */
type Undecided = "listReassignments" | "rebalance";

function eventOf(request: Exclude<AdminRequest, { kind: Undecided }>, links: AdminLinks): Event {
  const start = below(links.random, 1 << 20);
  switch (request.kind) {
    case "createTopics": {
      const topicIds = request.topics.map((): TopicId => topicId(links.random.id()));
      return { kind: "topicsCreateRequested", request, topicIds, start };
    }
    case "ownTopics":
      return { kind: "topicsOwnRequested", request };
    case "deleteTopics":
      return { kind: "topicsDeleteRequested", request };
    case "createPartitions":
      return { kind: "partitionsCreateRequested", request, start };
    case "alterConfigs":
      return { kind: "configsAlterRequested", request };
    case "electLeaders":
      return { kind: "uncleanElectionRequested", partitions: request.partitions, ends: links.knownEnds() };
    case "alterReassignments":
      return { kind: "reassignmentRequested", request };
    case "drainBroker":
      return { kind: "drainRequested", request };
    case "setReplicationFactor":
      return { kind: "replicationFactorRequested", request, countMax: COPIES_MAX };
    case "removeBroker":
      return { kind: "brokerRemovalRequested", request };
    case "setRacks":
      return { kind: "racksSetRequested", request };
    case "allocateProducerIds":
      return { kind: "producerIdsRequested" };
  }
}

async function electPreferred(asked: readonly Named[] | null, links: AdminLinks): Promise<AdminResponse> {
  const state = links.state();
  const outcomes = (asked ?? everyPartition(state)).map((named) => ({ named, ...standingOf(state, named) }));
  const moves = outcomes.flatMap(({ move }) => (move === null ? [] : [move]));
  const moved = await links.handOvers.run(moves);
  const failed: Omit<Elected, "topic" | "partition"> = {
    errorCode: PREFERRED_LEADER_NOT_AVAILABLE,
    errorMessage: "The leadership could not be handed over in time; try again.",
  };
  const partitions = outcomes.map(({ named, move, errorCode, errorMessage }): Elected => {
    if (move === null || moved[moves.indexOf(move)] === true) return { ...named, errorCode, errorMessage };
    return { ...named, ...failed };
  });
  // Asked for all, only what there was to do is of interest.
  const told = asked === null ? partitions.filter(({ errorCode }) => errorCode !== ELECTION_NOT_NEEDED) : partitions;
  return { kind: "electLeaders", partitions: told };
}

function* everyPartitionOf(state: State): Generator<Named> {
  for (const { topic, row } of allPartitions(state)) yield { topic: topic.name, partition: row.partition };
}

const everyPartition = (state: State): Named[] => [...everyPartitionOf(state)];

function standingOf(
  state: State,
  { topic: name, partition }: Named,
): { move: Move | null; errorCode: number; errorMessage: string | null } {
  const topic = topicByName(state, name);
  const rows = topic === null ? undefined : state.partitions.get(topic.topicId);
  const row = partition < 0 ? undefined : rows?.[partitionIndex(partition)];
  if (row === undefined) {
    return { move: null, errorCode: UNKNOWN_TOPIC_OR_PARTITION, errorMessage: "No such partition." };
  }
  const standing = preferredStanding(state, row);
  switch (standing.kind) {
    case "leads":
      return { move: null, errorCode: ELECTION_NOT_NEEDED, errorMessage: "The preferred replica leads already." };
    case "notAvailable": {
      const errorMessage = "The preferred replica is not alive and in sync.";
      return { move: null, errorCode: PREFERRED_LEADER_NOT_AVAILABLE, errorMessage };
    }
    case "couldLead":
      return { move: standing.move, errorCode: NONE, errorMessage: null };
  }
}
