import { expect, test } from "@jest/globals";
import { topicId } from "#base/ids.ts";
import { apply } from "./apply.ts";
import { decide } from "./decide.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, stateOf } from "./state.ts";
import { rowWith } from "./testing/rows.ts";

const id = topicId("a".repeat(32));

test("a whole new configuration puts back what it does not name", () => {
  const config = { "retention.ms": "1", "segment.ms": "2000" };
  const row = { topicId: id, name: "orders", config, partitionCount: 1 };
  const stored = { ...EMPTY_STORED_STATE, topics: [row], partitions: [rowWith({ topicId: id })] };
  const state = stateOf(stored, FIRST_VERSION, {});
  const changes = [{ key: "max.message.bytes", operation: "set", value: "5000" }] as const;
  const resources = [{ kind: "topic", name: "orders", changes, replaces: true }] as const;
  const request = { kind: "alterConfigs", resources, validateOnly: false } as const;
  const { commits } = decide(state, { kind: "configsAlterRequested", request });
  const after = commits.reduce((draft, commit) => apply(draft, commit, FIRST_VERSION), state);
  expect(after.topics.get(id)?.config).toEqual({ "max.message.bytes": "5000" });
});
