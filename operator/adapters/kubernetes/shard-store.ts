import { assert } from "#base/assert.ts";
import { TidemarkError } from "#base/errors.ts";
import type { Logger } from "#base/logging.ts";
import type { MetadataVersion } from "#contract/rows.ts";
import { apply } from "../../machine/apply.ts";
import { EMPTY_STORED_STATE, FIRST_VERSION, type State, stateOf, storedOf } from "../../machine/state.ts";
import type { MetadataOwner } from "../../ports/cluster-control.ts";
import type { CommitOutcome, Loaded, MetadataStore, StoreWrite, Written } from "../../ports/metadata-store.ts";
import { type Mark, markOf, type RootState, rootStateOf, versionOf } from "./shard-codec.ts";
import { encodeRoot, encodeRows, decodeRoot, type RootData, rowChanges, type RowTexts } from "./shard-codec.ts";
import { readShards } from "./shard-reading.ts";
import {
  isSameSpec,
  rootName,
  type ShardObject,
  type ShardObjects,
  shardName,
  type ShardSpec,
} from "./shard-objects.ts";
import { type Held, type Shard, ShardTable } from "./shard-table.ts";

/** Shards that are written at the same time. */
const WRITES_MAX = 8;
/** Somebody keeps changing an object's metadata: after so many rebases the write is tried again later. */
const REBASES_MAX = 5;

interface ShardWrite {
  readonly shard: Shard;
  readonly rows: RowTexts;
  readonly changes: ReadonlyMap<string, string | null>;
  readonly spec: ShardSpec;
}

/** One commit, step by step; kept until its outcome is known, so that sending it again goes on where it stopped. */
interface Plan {
  readonly write: StoreWrite;
  readonly after: State;
  /** Before the shards: raises the fence, lists shards that are to be filled. Null when neither is needed. */
  readonly announcement: ShardSpec | null;
  readonly shards: readonly ShardWrite[];
  readonly root: ShardSpec;
  readonly rootData: RootData;
  readonly done: Set<ShardSpec>;
}

export interface ShardStoreOptions {
  readonly cluster: string;
  /** Put on every object that this store makes. */
  readonly labels: Readonly<Record<string, string>>;
  /** Of every object that this store makes; null = none. */
  readonly owner?: () => MetadataOwner | null;
  /** A person says to go on with whatever is left. */
  readonly isRecovering?: boolean;
}

const isSame = (a: MetadataVersion, b: MetadataVersion): boolean =>
  a.controllerEpoch === b.controllerEpoch && a.sequence === b.sequence;

/** Of a put: `conflict` = somebody else may write now. */
type PutOutcome = "done" | "conflict" | "unknown";

/**
 * The controller's state in `MetadataShard` objects: all of a commit or nothing of it (docs/adr/0010). Rows stand in
 * shards; the root has the registry, the list of shards and the version that counts. Shards are written first, each
 * with what it takes to go back; the write of the root makes the commit count.
 */
export class ShardStore implements MetadataStore {
  readonly #objects: ShardObjects;
  readonly #logger: Logger;
  readonly #options: ShardStoreOptions;
  #state: State = stateOf(EMPTY_STORED_STATE, FIRST_VERSION, {});
  #committer = "";
  #root: Held;
  /** Null while there is none. */
  #rootData: RootData | null = null;
  #table = new ShardTable();
  #plan: Plan | null = null;
  #refusal = "";

  constructor(ports: { objects: ShardObjects; logger: Logger }, options: ShardStoreOptions) {
    this.#objects = ports.objects;
    this.#logger = ports.logger;
    this.#options = options;
    this.#root = { name: rootName(options.cluster), object: null, isUncertain: false };
  }

  async load(): Promise<Loaded> {
    const read = await readShards(this.#objects, this.#options);
    this.#plan = null;
    this.#table = new ShardTable();
    this.#root = { name: rootName(this.#options.cluster), object: read.root, isUncertain: false };
    this.#rootData = read.rootData;
    for (const shard of read.shards) this.#table.add({ ...shard, isUncertain: false });
    this.#state = stateOf(read.state, read.version, {});
    this.#committer = read.writer;
    return { version: read.version, writer: read.writer, state: storedOf(this.#state) };
  }

  async newest(): Promise<Written> {
    const reply = await this.#objects.get(this.#root.name);
    if (reply.kind === "missing") {
      if (this.#rootData === null) return { version: FIRST_VERSION, writer: "" };
      throw lost(this.#root.name);
    }
    if (reply.kind !== "ok") throw unreachable(reply);
    const known = this.#root.object;
    const isKnown = known !== null && this.#rootData !== null && isSameSpec(reply.value.spec, known.spec);
    const data = isKnown ? this.#rootData : decodeRoot(this.#root.name, reply.value.spec.data);
    assert(data !== null, "a root that is known was read");
    const { fence, version, committer } = data;
    // A claim is under way: its number is taken, and nothing was committed under it.
    if (fence.epoch > version[0] || fence.writer !== committer) {
      return { version: versionOf([fence.epoch, -1]), writer: fence.writer };
    }
    return { version: versionOf(version), writer: committer };
  }

  async commit(write: StoreWrite): Promise<CommitOutcome> {
    const plan = this.#planOf(write);
    if (plan === null) return "conflict";
    const outcome = await this.#carryOut(plan);
    if (outcome !== "done") return outcome;
    for (const { shard, rows, changes } of plan.shards) {
      this.#table.adopt(shard, { rows, changes, mark: markOf(write.version) });
    }
    this.#rootData = plan.rootData;
    this.#state = plan.after;
    this.#committer = write.writer;
    this.#plan = null;
    return "committed";
  }

  async close(): Promise<void> {}

  async #carryOut(plan: Plan): Promise<PutOutcome> {
    const { announcement } = plan;
    if (announcement !== null) {
      const outcome = await this.#put(plan, this.#root, announcement);
      if (outcome !== "done") return outcome;
    }
    const outcomes = await inParallel(plan.shards, ({ shard, spec }) => this.#put(plan, shard, spec));
    const failed = outcomes.find((outcome) => outcome !== "done");
    return failed ?? this.#put(plan, this.#root, plan.root);
  }

  #planOf(write: StoreWrite): Plan | null {
    const known = this.#plan;
    if (known !== null && isSame(known.write.version, write.version) && known.write.writer === write.writer)
      return known;
    if (!isSame(this.#state.version, write.expected)) return null;
    this.#plan = this.#planned(write);
    return this.#plan;
  }

  #planned(write: StoreWrite): Plan {
    const { version, writer } = write;
    const after = apply(this.#state, write.changes, version);
    const isClaim = version.controllerEpoch > this.#state.version.controllerEpoch || writer !== this.#committer;
    const placed = this.#table.place(rowChanges(this.#state, after));
    if (isClaim) for (const index of this.#table.shards.keys()) if (!placed.has(index)) placed.set(index, new Map());
    const specOf = (kind: ShardSpec["kind"], data: string): ShardSpec => {
      return { kind, controllerEpoch: version.controllerEpoch, sequence: version.sequence, writer, data };
    };
    const shards = [...placed].map(([index, changes]): ShardWrite => {
      const shard = this.#table.shards.get(index) ?? this.#newShard(index);
      const data = ShardTable.next(shard, changes);
      return { shard, changes, rows: data.rows, spec: specOf("Rows", encodeRows(data)) };
    });
    const creating = shards.filter(({ shard }) => !this.#table.shards.has(shard.index)).map(({ shard }) => shard.index);
    const marks = new Map([...this.#table.shards.values()].map(({ index, mark }) => [index, mark]));
    const base = { fence: { epoch: version.controllerEpoch, writer }, creating };
    const listed = this.#rootOf(rootStateOf(this.#state), { ...base, version: this.#state.version, marks });
    for (const { shard } of shards) marks.set(shard.index, markOf(version));
    const rootData = this.#rootOf(rootStateOf(after), { ...base, creating: [], version, marks, committer: writer });
    const isAnnounced = shards.length > 0 && (isClaim || creating.length > 0);
    return {
      write,
      after,
      announcement: isAnnounced ? specOf("Root", encodeRoot(listed)) : null,
      shards,
      root: specOf("Root", encodeRoot(rootData)),
      rootData,
      done: new Set(),
    };
  }

  #rootOf(
    state: RootState,
    at: Pick<RootData, "fence" | "creating"> & {
      version: MetadataVersion;
      marks: ReadonlyMap<number, Mark>;
      committer?: string;
    },
  ): RootData {
    return {
      ...state,
      version: markOf(at.version),
      committer: at.committer ?? this.#committer,
      fence: at.fence,
      shards: [...at.marks].map(([index, [epoch, sequence]]) => [index, epoch, sequence] as const),
      creating: at.creating,
    };
  }

  #newShard(index: number): Shard {
    const name = shardName(this.#options.cluster, index);
    return { name, index, object: null, isUncertain: false, mark: [0, 0], rows: new Map(), sizeBytes: 0 };
  }

  /** Brings one object to `spec`, unless somebody else has written it. */
  async #put(plan: Plan, held: Held, spec: ShardSpec): Promise<PutOutcome> {
    if (plan.done.has(spec)) return "done";
    for (let attempt = 0; attempt < REBASES_MAX; attempt++) {
      if (held.isUncertain) {
        const look = await this.#look(plan, held, spec);
        if (look === "done") plan.done.add(spec);
        if (look !== "unchanged") return look;
      }
      const { object } = held;
      const reply =
        object === null
          ? await this.#objects.create({ metadata: this.#metadataOf(held.name), spec })
          : await this.#objects.replace({ ...object, spec });
      if (reply.kind === "ok") {
        held.object = reply.value;
        plan.done.add(spec);
        return "done";
      }
      held.isUncertain = true;
      if (reply.kind === "refused") this.#complain(reply.reason);
      if (reply.kind === "unknown" || reply.kind === "refused") return "unknown";
    }
    return "unknown";
  }

  #metadataOf(name: string): ShardObject["metadata"] {
    const owner = this.#options.owner?.() ?? null;
    const { labels } = this.#options;
    return owner === null ? { name, labels } : { name, labels, ownerReferences: [owner] };
  }

  /** What became of an object whose state is not known: our write landed, nothing happened, or somebody else wrote. */
  async #look(plan: Plan, held: Held, spec: ShardSpec): Promise<PutOutcome | "unchanged"> {
    const reply = await this.#objects.get(held.name);
    if (reply.kind === "missing") {
      if (held.object !== null) throw lost(held.name);
      held.isUncertain = false;
      return "unchanged";
    }
    if (reply.kind !== "ok") return "unknown";
    const found = reply.value;
    const isOurs = isSameSpec(found.spec, spec);
    if (isOurs || (held.object !== null && isSameSpec(found.spec, held.object.spec))) {
      held.object = found;
      held.isUncertain = false;
      return isOurs ? "done" : "unchanged";
    }
    return this.#lookAtForeign(plan, held, found);
  }

  /** Somebody else wrote it. Only a claim goes on: over what a predecessor that is fenced off has left there. */
  #lookAtForeign(plan: Plan, held: Held, found: ShardObject): "conflict" | "unchanged" {
    if (held === this.#root) return "conflict";
    const { version, writer } = plan.write;
    const { controllerEpoch, writer: other } = found.spec;
    const isLater = controllerEpoch > version.controllerEpoch;
    const isAnothers = isLater || (controllerEpoch === version.controllerEpoch && other !== writer);
    const isFenced = plan.announcement !== null;
    if (isLater || (isAnothers && !isFenced)) return "conflict";
    if (!isFenced) throw changedByHand(held.name);
    held.object = found;
    held.isUncertain = false;
    return "unchanged";
  }

  #complain(reason: string): void {
    if (this.#refusal !== reason) this.#logger.error("the API server refuses to store metadata", { reason });
    this.#refusal = reason;
  }
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<PutOutcome>): Promise<PutOutcome[]> {
  const outcomes: PutOutcome[] = [];
  for (let start = 0; start < items.length; start += WRITES_MAX) {
    outcomes.push(...(await Promise.all(items.slice(start, start + WRITES_MAX).map(run))));
    if (outcomes.some((outcome) => outcome !== "done")) break;
  }
  return outcomes;
}

const unreachable = (reply: { kind: string; reason?: string }): TidemarkError =>
  new TidemarkError("STORE_FAILED", `the metadata objects cannot be read now: ${reply.reason ?? reply.kind}`);

const lost = (name: string): TidemarkError =>
  new TidemarkError(
    "STORE_LOST",
    `MetadataShard ${name} is gone; restore it, or recover the metadata from the brokers`,
  );

const changedByHand = (name: string): TidemarkError =>
  new TidemarkError(
    "STORE_CORRUPT",
    `MetadataShard ${name} was changed by somebody else than a controller; recover the metadata from the brokers`,
  );
