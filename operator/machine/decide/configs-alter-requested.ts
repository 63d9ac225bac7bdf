import { brokerId } from "#base/ids.ts";
import { changeConfig, type ConfigMap } from "#contract/config-values.ts";
import type { AdminRequest, AdminResponse } from "#contract/control.ts";
import type { TopicRow } from "#contract/rows.ts";
import { applyAll, type Draft, draftOf } from "../apply.ts";
import type { Change } from "../changes.ts";
import type { Decision } from "../decision.ts";
import { INVALID_CONFIG, INVALID_REQUEST, NONE, UNKNOWN_TOPIC_OR_PARTITION } from "../error-codes.ts";
import type { Event } from "../events.ts";
import { minInsyncReplicasOf, minIsrOf } from "../min-isr.ts";
import { withMinIsr } from "../min-isr-change.ts";
import { revised } from "../partition-election.ts";
import { type State, topicByName, topicConfigOf } from "../state.ts";

type Asked = Extract<AdminRequest, { kind: "alterConfigs" }>["resources"][number];
type Answered = Extract<AdminResponse, { kind: "alterConfigs" }>["resources"][number];
type Problem = { readonly errorCode: number; readonly errorMessage: string };

/**
 * Settings change, and with them what the rows say: minIsr in the same commit; `synced` in a commit before, where
 * `flush.messages` is loosened, so that nobody relies on syncs that no longer happen.
 */
export function decideConfigsAlterRequested(
  state: State,
  event: Extract<Event, { kind: "configsAlterRequested" }>,
): Decision {
  const draft = draftOf(state);
  const settings: Change[] = [];
  const resources = event.request.resources.map((asked): Answered => {
    const { kind, name } = asked;
    const altered = alter(draft, asked);
    if ("errorCode" in altered) return { kind, name, ...altered };
    applyAll(draft, [altered]);
    settings.push(altered);
    return { kind, name, errorCode: NONE, errorMessage: null };
  });
  const answer = { kind: "admin", response: { kind: "alterConfigs", resources } } as const;
  if (event.request.validateOnly || settings.length === 0) return { commits: [], answer };
  const loosened = loosenedRows(state, draft);
  applyAll(draft, loosened);
  const commits = loosened.length === 0 ? [] : [loosened];
  return { commits: [...commits, [...minIsrRows(draft), ...settings]], answer };
}

function alter(state: State, asked: Asked): Change | Problem {
  const changed = (current: ConfigMap): ConfigMap | Problem => {
    const outcome = changeConfig(asked.replaces === true ? {} : current, asked.changes, asked);
    if (outcome.kind === "changed") return outcome.config;
    return { errorCode: INVALID_CONFIG, errorMessage: outcome.reason };
  };
  if (asked.kind === "topic") {
    const topic = topicByName(state, asked.name);
    if (topic === null) {
      return { errorCode: UNKNOWN_TOPIC_OR_PARTITION, errorMessage: `The topic '${asked.name}' does not exist.` };
    }
    const config = changed(topic.config);
    return isProblem(config) ? config : { kind: "topic", row: { ...topic, config } };
  }
  if (asked.name !== "" && !isRegistered(state, asked.name)) {
    return { errorCode: INVALID_REQUEST, errorMessage: `There is no broker '${asked.name}'.` };
  }
  const config = changed(state.brokerConfigs.get(asked.name) ?? {});
  return isProblem(config) ? config : { kind: "brokerConfig", row: { broker: asked.name, config } };
}

const isProblem = (value: ConfigMap | Problem): value is Problem => typeof value["errorCode"] === "number";

const isRegistered = (state: State, name: string): boolean =>
  /^\d{1,10}$/.test(name) && state.brokers.has(brokerId(Number(name)));

/** Topics whose effective configuration may differ between two states: all, unless only topics were named. */
function* touchedTopics(before: State, after: State): Generator<{ old: TopicRow; topic: TopicRow }> {
  const isDefaultTouched = before.brokerConfigs.get("") !== after.brokerConfigs.get("");
  for (const topic of after.topics.values()) {
    const old = before.topics.get(topic.topicId)!;
    if (isDefaultTouched || old !== topic) yield { old, topic };
  }
}

function loosenedRows(before: State, after: Draft): Change[] {
  const changes: Change[] = [];
  for (const { old, topic } of touchedTopics(before, after)) {
    const rows = before.partitions.get(topic.topicId) ?? [];
    if (!rows.some((row) => row.synced)) continue;
    const isLoosened =
      topicConfigOf(before, old).flushMessages === 1 && topicConfigOf(after, topic).flushMessages !== 1;
    if (!isLoosened) continue;
    for (const row of rows) {
      if (row.synced) changes.push({ kind: "partition", row: revised(row, { synced: false }) });
    }
  }
  return changes;
}

function minIsrRows(after: State): Change[] {
  const changes: Change[] = [];
  for (const topic of after.topics.values()) {
    const minInsyncReplicas = minInsyncReplicasOf(after, topic);
    for (const row of after.partitions.get(topic.topicId) ?? []) {
      const minIsr = minIsrOf(minInsyncReplicas, row);
      if (minIsr !== row.minIsr) changes.push({ kind: "partition", row: revised(row, withMinIsr(row, minIsr)) });
    }
  }
  return changes;
}
