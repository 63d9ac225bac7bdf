import type { AdminResponse } from "#contract/control.ts";
import type { TopicOwner, TopicRow } from "#contract/rows.ts";
import { applyAll, draftOf } from "../apply.ts";
import type { Change } from "../changes.ts";
import { type Decision, decided } from "../decision.ts";
import { NONE, UNKNOWN_TOPIC_ID } from "../error-codes.ts";
import type { Event } from "../events.ts";
import type { State } from "../state.ts";

type Answered = Extract<AdminResponse, { kind: "ownTopics" }>["topics"][number];

/**
 * A Topic resource takes a topic on, changes its mind about what happens when it goes, or lets go. By id: a topic made
 * again under the same name is nobody's until somebody says so.
 */
export function decideTopicsOwnRequested(
  state: State,
  event: Extract<Event, { kind: "topicsOwnRequested" }>,
): Decision {
  const draft = draftOf(state);
  const changes: Change[] = [];
  const topics = event.request.topics.map(({ topicId, owner }): Answered => {
    const topic = draft.topics.get(topicId);
    if (topic === undefined) {
      return { topicId, errorCode: UNKNOWN_TOPIC_ID, errorMessage: "This server does not host this topic ID." };
    }
    if (!isSame(topic.owner ?? null, owner)) {
      const change: Change = { kind: "topic", row: withOwner(topic, owner) };
      applyAll(draft, [change]);
      changes.push(change);
    }
    return { topicId, errorCode: NONE, errorMessage: null };
  });
  return decided(changes, { kind: "admin", response: { kind: "ownTopics", topics } });
}

function withOwner(topic: TopicRow, owner: TopicOwner | null): TopicRow {
  const { owner: _, ...unowned } = topic;
  return owner === null ? unowned : { ...unowned, owner };
}

const isSame = (a: TopicOwner | null, b: TopicOwner | null): boolean =>
  a === b ||
  (a !== null &&
    b !== null &&
    a.uid === b.uid &&
    a.namespace === b.namespace &&
    a.name === b.name &&
    a.deletionPolicy === b.deletionPolicy);
