import { type BrokerId, NO_TOPIC_ID, type TopicId } from "#base/ids.ts";
import type { AdminResponse } from "#contract/control.ts";
import type { DeletionRow, TopicRow } from "#contract/rows.ts";
import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import { INVALID_REQUEST, NONE, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION } from "../error-codes.ts";
import type { Event } from "../events.ts";
import { type State, topicByName } from "../state.ts";

type Answered = Extract<AdminResponse, { kind: "deleteTopics" }>["topics"][number];
type Asked = { readonly name: string | null; readonly topicId: TopicId | null };

export function decideTopicsDeleteRequested(
  state: State,
  event: Extract<Event, { kind: "topicsDeleteRequested" }>,
): Decision {
  const changes: Change[] = [];
  const deleted = new Set<TopicId>();
  const topics = event.request.topics.map((asked): Answered => {
    const topic = topicOf(state, asked);
    if (typeof topic === "number") return { ...answer(asked), errorCode: topic, errorMessage: messages.get(topic)! };
    if (!deleted.has(topic.topicId)) {
      deleted.add(topic.topicId);
      changes.push({ kind: "topicDeleted", row: deletionOf(state, topic) });
    }
    return { name: topic.name, topicId: topic.topicId, errorCode: NONE, errorMessage: null };
  });
  return decided(changes, { kind: "admin", response: { kind: "deleteTopics", topics } });
}

const messages: ReadonlyMap<number, string> = new Map([
  [INVALID_REQUEST, "Name the topic by its name or by its id, not by both."],
  [UNKNOWN_TOPIC_OR_PARTITION, "This server does not host this topic-partition."],
  [UNKNOWN_TOPIC_ID, "This server does not host this topic ID."],
]);

const answer = ({ name, topicId }: Asked): { name: string | null; topicId: TopicId } => ({
  name,
  topicId: topicId ?? NO_TOPIC_ID,
});

function topicOf(state: State, { name, topicId }: Asked): TopicRow | number {
  if ((name === null) === (topicId === null)) return INVALID_REQUEST;
  if (name !== null) return topicByName(state, name) ?? UNKNOWN_TOPIC_OR_PARTITION;
  return state.topics.get(topicId!) ?? UNKNOWN_TOPIC_ID;
}

/** Waits for everyone who may hold data of the topic. */
function deletionOf(state: State, topic: TopicRow): DeletionRow {
  const holders = new Set<BrokerId>();
  for (const { replicas, removed } of state.partitions.get(topic.topicId) ?? []) {
    for (const holder of [...replicas, ...removed]) holders.add(holder);
  }
  const waitingFor = [...holders].filter((broker) => state.brokers.has(broker)).sort((a, b) => a - b);
  return { topicId: topic.topicId, name: topic.name, waitingFor };
}
