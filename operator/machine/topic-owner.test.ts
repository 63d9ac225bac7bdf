import { describe, expect, test } from "@jest/globals";
import { topicId } from "#base/ids.ts";
import type { AdminRequest } from "#contract/control.ts";
import type { TopicOwner, TopicRow } from "#contract/rows.ts";
import { apply } from "./apply.ts";
import { decide } from "./decide.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, type State, stateOf } from "./state.ts";
import { rowWith } from "./testing/rows.ts";

const id = topicId("a".repeat(32));
const owner: TopicOwner = { namespace: "apps", name: "orders", uid: "u-1", deletionPolicy: "Delete" };

const stateWith = (row: TopicRow): State =>
  stateOf({ ...EMPTY_STORED_STATE, topics: [row], partitions: [rowWith({ topicId: id })] }, FIRST_VERSION, {});
const unowned = stateWith({ topicId: id, name: "orders", config: { "retention.ms": "1" }, partitionCount: 1 });

function own(state: State, topics: Extract<AdminRequest, { kind: "ownTopics" }>["topics"]) {
  const { commits, answer } = decide(state, { kind: "topicsOwnRequested", request: { kind: "ownTopics", topics } });
  const after = commits.reduce((draft, changes) => apply(draft, changes, FIRST_VERSION), state);
  return { commits, answer, topic: after.topics.get(id), after };
}

describe("who owns a topic", () => {
  test("is written into its row and nothing else of it changes", () => {
    const { topic } = own(unowned, [{ topicId: id, owner }]);
    expect(topic).toEqual({ ...unowned.topics.get(id), owner });
  });

  test("costs no commit when it stands there already", () => {
    const owned = own(unowned, [{ topicId: id, owner }]).after;
    const { commits, answer } = own(owned, [{ topicId: id, owner: { ...owner } }]);
    expect(commits.flat()).toEqual([]);
    expect(answer).toMatchObject({ response: { topics: [{ topicId: id, errorCode: 0 }] } });
  });

  test("may change its mind about deletion, and let go", () => {
    const owned = own(unowned, [{ topicId: id, owner }]).after;
    const retained = own(owned, [{ topicId: id, owner: { ...owner, deletionPolicy: "Retain" } }]);
    expect(retained.topic?.owner?.deletionPolicy).toBe("Retain");
    expect(own(retained.after, [{ topicId: id, owner: null }]).topic).toEqual(unowned.topics.get(id));
  });

  test("says nothing of a topic that is gone, whatever has its name now", () => {
    const { commits, answer } = own(unowned, [{ topicId: topicId("b".repeat(32)), owner }]);
    expect(commits.flat()).toEqual([]);
    expect(answer).toMatchObject({ response: { topics: [{ errorCode: 100 }] } });
  });
});
