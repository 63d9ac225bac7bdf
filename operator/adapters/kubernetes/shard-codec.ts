import { TidemarkError } from "#base/errors.ts";
import { controllerEpoch } from "#base/ids.ts";
import type { DeletionRow, MetadataVersion, PartitionRow, TopicRow } from "#contract/rows.ts";
import type { State, StoredState } from "../../machine/state.ts";

/** Raised when stored text changes its meaning. */
const FORMAT = 1;

export type StoredRow =
  | { readonly kind: "topic"; readonly row: TopicRow }
  | { readonly kind: "partition"; readonly row: PartitionRow }
  | { readonly kind: "deletion"; readonly row: DeletionRow };

/** What stands under one key: unique in the store. */
export type RowTexts = ReadonlyMap<string, string>;
/** Rows by key; null = gone. */
export type RowChanges = ReadonlyMap<string, string | null>;

export const topicKey = (topicId: string): string => `t/${topicId}`;
export const deletionKey = (topicId: string): string => `d/${topicId}`;
export const partitionKey = (topicId: string, partition: number): string => `p/${topicId}/${partition}`;

/** Fields of a partition's row under one letter, and what is not written because it is usual. */
const LETTERS: Readonly<Record<string, string>> = {
  replicas: "r",
  adding: "a",
  removing: "x",
  leader: "l",
  leaderEpoch: "e",
  partitionEpoch: "v",
  isr: "i",
  elr: "k",
  lost: "o",
  minIsr: "m",
  synced: "s",
};
const NAMES = new Map(Object.entries(LETTERS).map(([name, letter]) => [letter, name]));
const USUAL: Readonly<Record<string, unknown>> = { adding: [], removing: [], elr: [], lost: [], synced: false };

const isUsual = (name: string, value: unknown): boolean => {
  if (!Object.hasOwn(USUAL, name)) return false;
  return Array.isArray(value) ? value.length === 0 : value === USUAL[name];
};

/** Key and content as one JSON text; a partition's fields by letters, others (of later versions) by their names. */
export function partitionText(row: PartitionRow): string {
  const { topicId, partition, ...fields } = row;
  const short: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (!isUsual(name, value)) short[LETTERS[name] ?? name] = value;
  }
  return JSON.stringify([partitionKey(topicId, partition), short]);
}

export const topicText = (row: TopicRow): string => JSON.stringify([topicKey(row.topicId), row]);
export const deletionText = (row: DeletionRow): string => JSON.stringify([deletionKey(row.topicId), row]);

function partitionOfText(key: string, short: Record<string, unknown>): PartitionRow {
  const [, topicId, partition] = key.split("/");
  const row: Record<string, unknown> = { topicId, partition: Number(partition), ...USUAL };
  for (const [name, value] of Object.entries(short)) row[NAMES.get(name) ?? name] = value;
  return row as unknown as PartitionRow;
}

export function rowOfText(text: string): StoredRow {
  const [key, value] = JSON.parse(text) as [string, Record<string, unknown>];
  if (key.startsWith("p/")) return { kind: "partition", row: partitionOfText(key, value) };
  if (key.startsWith("t/")) return { kind: "topic", row: value as unknown as TopicRow };
  return { kind: "deletion", row: value as unknown as DeletionRow };
}

/** Which rows differ. Rows are replaced, never changed: the same object is the same row. */
export function rowChanges(before: State, after: State): Map<string, string | null> {
  const changes = new Map<string, string | null>();
  for (const [id, row] of after.topics) if (before.topics.get(id) !== row) changes.set(topicKey(id), topicText(row));
  for (const id of before.topics.keys()) if (!after.topics.has(id)) changes.set(topicKey(id), null);
  for (const [id, row] of after.deletions) {
    if (before.deletions.get(id) !== row) changes.set(deletionKey(id), deletionText(row));
  }
  for (const id of before.deletions.keys()) if (!after.deletions.has(id)) changes.set(deletionKey(id), null);
  for (const [id, rows] of after.partitions) {
    const earlier = before.partitions.get(id);
    if (earlier === rows) continue;
    for (const row of rows) {
      if (row !== undefined && earlier?.[row.partition] !== row) {
        changes.set(partitionKey(id, row.partition), partitionText(row));
      }
    }
  }
  for (const [id, rows] of before.partitions) {
    const later = after.partitions.get(id);
    if (later === rows) continue;
    for (const row of rows) {
      if (row !== undefined && later?.[row.partition] === undefined) {
        changes.set(partitionKey(id, row.partition), null);
      }
    }
  }
  return changes;
}

/** A shard's own version, and which its content had before the last write: (controller epoch, sequence). */
export type Mark = readonly [epoch: number, sequence: number];

export const markOf = (version: MetadataVersion): Mark => [version.controllerEpoch, version.sequence];
export const versionOf = ([epoch, sequence]: Mark): MetadataVersion => ({
  controllerEpoch: controllerEpoch(epoch),
  sequence,
});
export const isSameMark = (a: Mark, b: Mark): boolean => a[0] === b[0] && a[1] === b[1];

export interface RowsData {
  readonly rows: RowTexts;
  /** What the last write replaced, for when the root never counted it. */
  readonly undo: { readonly base: Mark; readonly rows: RowChanges };
}

const keyOf = (text: string): string => (JSON.parse(text) as [string])[0];

export function encodeRows({ rows, undo }: RowsData): string {
  const before = [...undo.rows].map(([key, text]) => text ?? JSON.stringify([key]));
  const base = JSON.stringify(undo.base);
  return `{"format":${FORMAT},"base":${base},"undo":[${before.join()}],"rows":[${[...rows.values()].join()}]}`;
}

/** @throws TidemarkError STORE_CORRUPT */
export function decodeRows(name: string, data: string): RowsData {
  const { base, undo, rows } = parse<{ base: Mark; undo: unknown[][]; rows: unknown[][] }>(name, data);
  if (!Array.isArray(base) || !Array.isArray(undo) || !Array.isArray(rows)) throw unreadable(name);
  const texts = rows.map((row) => JSON.stringify(row));
  return {
    rows: new Map(texts.map((text) => [keyOf(text), text])),
    undo: {
      base,
      rows: new Map(undo.map((row) => [String(row[0]), row.length === 1 ? null : JSON.stringify(row)])),
    },
  };
}

/** Everything in the registry that is not a row: changed by nearly every commit, so it stands on the root itself. */
export type RootState = Omit<StoredState, "topics" | "partitions" | "deletions">;

export interface RootData extends RootState {
  /** The newest commit that counts. */
  readonly version: Mark;
  /** Who made it. */
  readonly committer: string;
  /** Who may write: a claim raises it first, and with that ends whatever a predecessor has under way. */
  readonly fence: { readonly epoch: number; readonly writer: string };
  /** Number and mark of each shard that exists. */
  readonly shards: readonly (readonly [index: number, epoch: number, sequence: number])[];
  /** Shards that are about to be filled; nothing counts of them yet. */
  readonly creating: readonly number[];
}

export const rootStateOf = (state: State): RootState => ({
  clusterId: state.clusterId,
  nextBrokerEpoch: state.nextBrokerEpoch,
  nextProducerId: state.nextProducerId,
  brokers: [...state.brokers.values()],
  brokerConfigs: [...state.brokerConfigs].map(([broker, config]) => ({ broker, config })),
  history: state.history,
});

export const encodeRoot = (root: RootData): string => JSON.stringify({ format: FORMAT, ...root });

/** @throws TidemarkError STORE_CORRUPT */
export function decodeRoot(name: string, data: string): RootData {
  const root = parse<RootData>(name, data);
  if (!Array.isArray(root.version) || !Array.isArray(root.shards) || !Array.isArray(root.brokers)) {
    throw unreadable(name);
  }
  return root;
}

function parse<T>(name: string, data: string): T {
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    throw unreadable(name);
  }
  if (typeof value !== "object" || value === null) throw unreadable(name);
  const { format } = value as { format?: unknown };
  if (format !== FORMAT) {
    throw new TidemarkError(
      "STORE_CORRUPT",
      `MetadataShard ${name} has format ${String(format)}; this operator reads ${FORMAT}; run the one that wrote it`,
    );
  }
  return value as T;
}

const unreadable = (name: string): TidemarkError =>
  new TidemarkError("STORE_CORRUPT", `MetadataShard ${name} is unreadable; recover the metadata from the brokers`);
