import { assert } from "#base/assert.ts";
import { isTidemarkError, TidemarkError } from "#base/errors.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, type StoredState } from "../../machine/state.ts";
import {
  decodeRoot,
  decodeRows,
  type Mark,
  type RootData,
  type RowTexts,
  rowOfText,
  versionOf,
} from "./shard-codec.ts";
import { rootName, type ShardObject, type ShardObjects, type ShardReply, shardName } from "./shard-objects.ts";
import { countedRows } from "./shard-table.ts";

export interface ReadShard {
  readonly index: number;
  readonly name: string;
  readonly object: ShardObject | null;
  readonly mark: Mark;
  readonly rows: RowTexts;
}

export interface ReadStore {
  readonly version: MetadataVersion;
  readonly writer: string;
  readonly state: StoredState;
  readonly root: ShardObject | null;
  readonly rootData: RootData | null;
  readonly shards: readonly ReadShard[];
}

const READS_MAX = 20;

function valueOf<T>(reply: ShardReply<T>): T | null {
  if (reply.kind === "ok") return reply.value;
  if (reply.kind === "missing") return null;
  const reason = "reason" in reply ? reply.reason : reply.kind;
  throw new TidemarkError("STORE_FAILED", `the metadata objects cannot be read now: ${reason}`);
}

/**
 * Reads everything of one cluster as of one moment: the root is the same before and after the shards were listed, so
 * at most one commit is under way in them, and each shard knows the way back from its last write.
 * @throws TidemarkError STORE_FAILED, STORE_LOST, STORE_CORRUPT
 */
export async function readShards(
  objects: ShardObjects,
  options: { cluster: string; isRecovering?: boolean },
): Promise<ReadStore> {
  const name = rootName(options.cluster);
  for (let attempt = 0; attempt < READS_MAX; attempt++) {
    const root = valueOf(await objects.get(name));
    const listed = valueOf(await objects.list()) ?? [];
    const again = valueOf(await objects.get(name));
    if (root?.metadata.resourceVersion !== again?.metadata.resourceVersion) continue;
    const byName = new Map(listed.map((object) => [object.metadata.name, object]));
    byName.delete(name);
    return options.isRecovering === true ? salvaged(root, byName, options) : counted(root, byName, options);
  }
  throw new TidemarkError("STORE_FAILED", `MetadataShard ${name} changes faster than it can be read`);
}

function counted(
  root: ShardObject | null,
  listed: ReadonlyMap<string, ShardObject>,
  { cluster }: { cluster: string },
): ReadStore {
  if (root === null) {
    const left = [...listed.keys()].find((name) => isShardName(name, cluster));
    if (left !== undefined) throw lost(rootName(cluster), `while ${left} is there`);
    const version = FIRST_VERSION;
    return { version, writer: "", state: EMPTY_STORED_STATE, root: null, rootData: null, shards: [] };
  }
  const rootData = decodeRoot(root.metadata.name, root.spec.data);
  const shards = rootData.shards.map(([index, ...mark]): ReadShard => {
    const name = shardName(cluster, index);
    const object = listed.get(name);
    if (object === undefined) throw lost(name, "though the root lists it");
    const { controllerEpoch, sequence, data } = object.spec;
    const written: Mark = [controllerEpoch, sequence];
    const rows = countedRows({ written, data: decodeRows(name, data), counted: mark });
    if (rows === null) throw setBack(name, { written, counted: mark });
    return { index, name, object, mark, rows };
  });
  return readOf({ version: versionOf(rootData.version), writer: rootData.committer, root, rootData, shards });
}

/**
 * An intact store as it is. Of a damaged one whatever is left, at a version of its own and without a history: whatever
 * brokers were told is then news, and counts more than what happens to be left.
 */
function salvaged(
  root: ShardObject | null,
  listed: ReadonlyMap<string, ShardObject>,
  { cluster }: { cluster: string },
): ReadStore {
  try {
    return counted(root, listed, { cluster });
  } catch (error) {
    if (!isTidemarkError(error) || error.isRetriable) throw error;
  }
  const rootData = rootDataIfReadable(root);
  let epoch = rootData?.fence.epoch ?? 0;
  const shards: ReadShard[] = [];
  for (const [name, object] of listed) {
    if (!isShardName(name, cluster)) continue;
    const mark: Mark = [object.spec.controllerEpoch, object.spec.sequence];
    epoch = Math.max(epoch, mark[0]);
    const index = Number(name.slice(cluster.length + 1));
    shards.push({ index, name, object, mark, rows: rowsIfReadable(object) });
  }
  const version = versionOf([epoch + 1, 0]);
  const read = readOf({ version, writer: rootData?.committer ?? "", root, rootData, shards });
  return { ...read, state: { ...read.state, history: EMPTY_STORED_STATE.history } };
}

function rootDataIfReadable(root: ShardObject | null): RootData | null {
  try {
    return root === null ? null : decodeRoot(root.metadata.name, root.spec.data);
  } catch {
    return null;
  }
}

function rowsIfReadable({ metadata, spec }: ShardObject): RowTexts {
  try {
    return decodeRows(metadata.name, spec.data).rows;
  } catch {
    return new Map();
  }
}

function readOf(read: Omit<ReadStore, "state">): ReadStore {
  const state = { ...EMPTY_STORED_STATE, ...rootStateIn(read.rootData) };
  const topics = new Map<string, StoredState["topics"][number]>();
  const deletions = new Map<string, StoredState["deletions"][number]>();
  const partitions = new Map<string, StoredState["partitions"][number]>();
  for (const { rows } of read.shards) {
    for (const [key, text] of rows) {
      const stored = rowOfText(text);
      if (stored.kind === "topic") topics.set(key, stored.row);
      else if (stored.kind === "deletion") deletions.set(key, stored.row);
      else if (!partitions.has(key)) partitions.set(key, stored.row);
    }
  }
  const rows = {
    topics: [...topics.values()],
    deletions: [...deletions.values()],
    partitions: [...partitions.values()],
  };
  return { ...read, state: { ...state, ...rows } };
}

function rootStateIn(data: RootData | null): Partial<StoredState> {
  if (data === null) return {};
  const { clusterId, nextBrokerEpoch, nextProducerId, brokers, brokerConfigs, history } = data;
  assert(history !== undefined, "a root has its history");
  return { clusterId, nextBrokerEpoch, nextProducerId, brokers, brokerConfigs, history };
}

const isShardName = (name: string, cluster: string): boolean =>
  name.startsWith(`${cluster}-`) && /^\d+$/.test(name.slice(cluster.length + 1));

const lost = (name: string, how: string): TidemarkError =>
  new TidemarkError(
    "STORE_LOST",
    `MetadataShard ${name} is gone, ${how}; restore it, or recover the metadata from the brokers`,
  );

const setBack = (name: string, { written, counted: mark }: { written: Mark; counted: Mark }): TidemarkError =>
  new TidemarkError(
    "STORE_CORRUPT",
    `MetadataShard ${name} is at ${written.join(".")} where the root says ${mark.join(".")}: was an older copy ` +
      "restored? Recover the metadata from the brokers",
  );
