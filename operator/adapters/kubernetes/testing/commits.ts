import { brokerId, controllerEpoch, leaderEpoch, partitionEpoch, partitionIndex, topicId } from "#base/ids.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import type { Change } from "../../../machine/changes.ts";
import { withEnd } from "../../../machine/history.ts";
import { apply } from "../../../machine/apply.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, type State, stateOf, storedOf } from "../../../machine/state.ts";
import { rowWith } from "../../../machine/testing/rows.ts";
import type { StoreWrite } from "../../../ports/metadata-store.ts";

export const emptyState = (): State => stateOf(EMPTY_STORED_STATE, FIRST_VERSION, {});

export const versionAt = (epoch: number, sequence: number): MetadataVersion => ({
  controllerEpoch: controllerEpoch(epoch),
  sequence,
});

export const topicIdOf = (number: number) => topicId(number.toString(16).padStart(32, "0"));

/** Rows first, then the topic: as the machine does. */
export function topicMade(number: number, partitions: number): Change[] {
  const id = topicIdOf(number);
  const rows = Array.from({ length: partitions }, (_, partition): Change => {
    return { kind: "partition", row: rowWith({ topicId: id, partition: partitionIndex(partition) }) };
  });
  const row = { topicId: id, name: `topic-${number}`, config: {}, partitionCount: partitions };
  return [...rows, { kind: "topic", row }];
}

export const topicGone = (number: number): Change => ({
  kind: "topicDeleted",
  row: { topicId: topicIdOf(number), name: `topic-${number}`, waitingFor: [brokerId(1)] },
});

/** Every partition that broker 1 is in sync of loses it. */
export function brokerLost(state: State): Change[] {
  return [...state.partitions.values()].flat().map((row): Change => {
    const next = {
      ...row,
      leader: brokerId(2),
      leaderEpoch: leaderEpoch(row.leaderEpoch + 1),
      partitionEpoch: partitionEpoch(row.partitionEpoch + 1),
      isr: row.isr.filter((broker) => broker !== brokerId(1)),
    };
    return { kind: "partition", row: next };
  });
}

/** The first write of a controller. */
export function claimOf(state: State, writer: string): StoreWrite {
  const version = versionAt(state.version.controllerEpoch + 1, 0);
  const history: Change = { kind: "history", history: withEnd(state.history, state.version) };
  const changes: Change[] = state.clusterId === "" ? [{ kind: "cluster", clusterId: "c" }, history] : [history];
  return { expected: state.version, version, writer, changes };
}

export function commitOf(state: State, writer: string, changes: readonly Change[]): StoreWrite {
  const version = { ...state.version, sequence: state.version.sequence + 1 };
  return { expected: state.version, version, writer, changes };
}

export const after = (state: State, { changes, version }: StoreWrite): State => apply(state, changes, version);

/** A state in an order of its own, to compare. */
export function comparable(state: State): unknown {
  const { topics, partitions, deletions, ...rest } = storedOf(state);
  const byText = <T>(rows: readonly T[]): string[] => rows.map((row) => JSON.stringify(sorted(row))).sort();
  return {
    ...rest,
    version: state.version,
    topics: byText(topics),
    partitions: byText(partitions),
    deletions: byText(deletions),
  };
}

const sorted = (row: unknown): unknown =>
  Object.fromEntries(Object.entries(row as Record<string, unknown>).sort(([a], [b]) => (a < b ? -1 : 1)));
