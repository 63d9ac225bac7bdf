import type { Clock } from "../base/clock.ts";
import type { LeaderEpoch, Offset, TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type { Deadline, Deadlines } from "../replication/deadlines.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { isMalformed } from "../wire/malformed.ts";
import { batchPositions, isControl, lastOffsetOf } from "../wire/record-batch.ts";
import { recordsOf } from "../wire/record-batch-records.ts";
import { CommittedOffsets, type TopicPartition } from "./committed-offsets.ts";
import { type CoordinatorReplica, GroupLog } from "./group-log.ts";
import type { GroupMetadata } from "./group-metadata.ts";
import {
  type CommittedOffset,
  groupRecord,
  offsetRecord,
  readGroupRecord,
  type StoredRecord,
} from "./group-records.ts";
import { Group, type GroupLimits, type Identity, type JoinRequest, type SyncRequest } from "./group-state.ts";
import type { JoinAnswer, SyncAnswer } from "./member.ts";
import { LogRewrite } from "./log-rewrite.ts";
import { PendingOffsets } from "./pending-offsets.ts";
import { isReadyToRead } from "./ready-to-read.ts";
import { CONSUMER, subscribedTopics } from "./subscription.ts";

export interface GroupPartitionPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly deadlines: Deadlines;
  newId(): string;
  /** A log of groups that is shorter is never rewritten. */
  rewriteBytesMin(): number;
  readonly limits: () => GroupLimits;
}

/** What a consumer commits: offsets by partition. */
export type Commits = readonly (TopicPartition & { readonly value: CommittedOffset })[];

interface Entry {
  readonly group: Group;
  readonly offsets: CommittedOffsets;
  /** The last that was appended of the group itself; null when that was its deletion, or nothing. */
  metadata: GroupMetadata | null;
  /** Offsets appended and not yet committed, null for their deletion. */
  readonly pending: PendingOffsets;
  /** Appends under way that will change it. */
  writes: number;
  deadline: Deadline | null;
  dueMs: number;
}

const LOAD_BYTES = 1024 * 1024;
const READY_LOOK_MS = 10;

/**
 * The groups of one partition of `__consumer_offsets`, for as long as this broker leads it in one leader epoch. Nothing
 * is answered before everything that was committed has been read.
 */
export class GroupPartition {
  readonly epoch: LeaderEpoch;
  readonly #ports: GroupPartitionPorts;
  readonly #replica: () => CoordinatorReplica | undefined;
  readonly #entries = new Map<string, Entry>();
  #log: GroupLog | null = null;
  #rewrite: LogRewrite | null = null;
  #loadedBytes = 0;
  /** A record could not be understood: it may be of a later version, and must stay. */
  #hasUnread = false;
  #hasEnded = false;

  constructor(ports: GroupPartitionPorts, epoch: LeaderEpoch, replica: () => CoordinatorReplica | undefined) {
    this.#ports = ports;
    this.epoch = epoch;
    this.#replica = replica;
  }

  /** Everything that was committed has been read. */
  get isLoaded(): boolean {
    return this.#log !== null && !this.#hasEnded;
  }

  get groups(): readonly Group[] {
    return [...this.#entries.values()].map(({ group }) => group);
  }

  group(id: string): Group | undefined {
    return this.#entries.get(id)?.group;
  }

  offsets(id: string): CommittedOffsets | undefined {
    return this.#entries.get(id)?.offsets;
  }

  /** Another broker leads now, or this one stops: whoever waits is sent to look for the coordinator again. */
  end(): void {
    this.#hasEnded = true;
    this.#rewrite?.stop();
    for (const { group, deadline } of this.#entries.values()) {
      deadline?.cancel();
      group.end(kafkaErrors.NOT_COORDINATOR);
    }
    this.#entries.clear();
  }

  /** Begins to read; what it needs may still be on its way (the replica's log, its first committed offset). */
  load(): void {
    if (this.#hasEnded) return;
    const replica = this.#replica();
    if (replica === undefined || !isReadyToRead(replica, this.epoch)) {
      this.#ports.deadlines.after(READY_LOOK_MS, () => this.load());
      return;
    }
    this.#read(replica).catch((error: unknown) => {
      this.#ports.logger.error("groups cannot be read; trying again", { error: String(error) });
      this.#ports.deadlines.after(1000, () => this.load());
    });
  }

  join(id: string, request: JoinRequest, reply: (answer: JoinAnswer) => void): void {
    const entry = this.#entries.get(id) ?? this.#add(id);
    entry.group.join(request, this.#nowMs(), reply);
    this.#settle(id, entry);
  }

  sync(id: string, request: SyncRequest, reply: (answer: SyncAnswer) => void): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return reply(NO_SUCH_MEMBER);
    entry.group.sync(request, this.#nowMs(), reply);
    this.#settle(id, entry);
  }

  heartbeat(id: string, who: Identity & { readonly generationId: number }): number {
    const entry = this.#entries.get(id);
    return entry === undefined ? kafkaErrors.UNKNOWN_MEMBER_ID : entry.group.heartbeat(who, this.#nowMs());
  }

  leave(id: string, who: Identity): number {
    const entry = this.#entries.get(id);
    if (entry === undefined) return kafkaErrors.UNKNOWN_MEMBER_ID;
    const errorCode = entry.group.leave(who, this.#nowMs());
    this.#settle(id, entry);
    return errorCode;
  }

  /** Calls `done` with 0 once the offsets can no longer be lost. */
  commit(
    id: string,
    who: Identity & { readonly generationId: number },
    { commits, done }: { commits: Commits; done: (errorCode: number) => void },
  ): void {
    const known = this.#entries.get(id);
    if (known === undefined && who.generationId >= 0) return done(kafkaErrors.ILLEGAL_GENERATION);
    const entry = known ?? this.#add(id);
    const problem = entry.group.commitProblem(who, this.#nowMs());
    if (problem !== 0 || commits.length === 0) {
      this.#settle(id, entry);
      return done(problem);
    }
    const records = commits.map(({ topic, partition, value }) => offsetRecord({ group: id, topic, partition }, value));
    for (const commit of commits) entry.pending.add(commit, commit.value);
    this.#append(entry, records, (errorCode) => {
      for (const commit of commits) {
        entry.pending.remove(commit, commit.value);
        if (errorCode === 0) entry.offsets.set(commit, commit.value);
      }
      done(errorCode);
    });
  }

  /** Deletes a group without members, with its offsets. */
  delete(id: string, done: (errorCode: number) => void): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return done(kafkaErrors.GROUP_ID_NOT_FOUND);
    if (!entry.group.isEmpty) return done(kafkaErrors.NON_EMPTY_GROUP);
    this.#drop(id, entry, { offsets: entry.offsets.matching(() => true), done });
  }

  /** Drops offsets, each answered with its own code: none of a topic that the group reads. */
  deleteOffsets(
    id: string,
    asked: readonly TopicPartition[],
    done: (errors: number | readonly number[]) => void,
  ): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return done(kafkaErrors.GROUP_ID_NOT_FOUND);
    const read = this.#readTopics(entry.group);
    if (read === "unknown") return done(kafkaErrors.NON_EMPTY_GROUP);
    const errors = asked.map(({ topic }) => (read.has(topic) ? kafkaErrors.GROUP_SUBSCRIBED_TO_TOPIC : 0));
    const offsets = asked.filter((_, at) => errors[at] === 0);
    this.#forget(id, entry, { offsets, done: (errorCode) => done(errorCode === 0 ? errors : errorCode) });
  }

  /** Drops what nobody needs: offsets of topics that are gone. */
  forget(isGone: (topic: string, topicId: TopicId) => boolean): void {
    for (const [id, entry] of this.#entries) {
      const offsets = entry.offsets.matching((topic, { topicId }) => isGone(topic, topicId));
      if (offsets.length > 0) this.#forget(id, entry, { offsets, done: () => {} });
    }
  }

  /** Drops offsets that nobody has used for `retentionMs`, and groups of which nothing is left. */
  expire(retentionMs: number): void {
    const now = this.#ports.clock.now();
    for (const [id, entry] of this.#entries) {
      const offsets = this.#expired(entry, now - retentionMs);
      const isGone = entry.group.isEmpty && offsets.length === entry.offsets.matching(() => true).length;
      if (isGone) this.#drop(id, entry, { offsets, done: () => {} });
      else if (offsets.length > 0) this.#forget(id, entry, { offsets, done: () => {} });
    }
  }

  #expired({ group, offsets }: Entry, before: number): TopicPartition[] {
    // A group counts from when it became empty; one that only ever committed, from each commit.
    if (group.state === "Empty") {
      const emptySince = group.protocolType === null ? Number.NEGATIVE_INFINITY : group.changedAt;
      return offsets.matching((_, value) => Math.max(emptySince, value.commitTimestamp) <= before);
    }
    const read = group.state === "Stable" ? this.#readTopics(group) : "unknown";
    if (read === "unknown") return [];
    return offsets.matching((topic, value) => !read.has(topic) && value.commitTimestamp <= before);
  }

  /** Topics that members of a group read now. */
  #readTopics(group: Group): ReadonlySet<string> | "unknown" {
    if (group.state === "Empty") return NO_TOPICS;
    if (group.protocolType !== CONSUMER) return "unknown";
    const topics = group.members.map(({ parts }) => subscribedTopics(parts.protocols[0]?.metadata ?? NO_BYTES));
    return topics.includes(null) ? "unknown" : new Set(topics.flatMap((names) => names ?? []));
  }

  #drop(
    id: string,
    entry: Entry,
    { offsets, done }: { offsets: readonly TopicPartition[]; done: (errorCode: number) => void },
  ): void {
    this.#forget(id, entry, {
      offsets,
      isWhole: true,
      done: (errorCode) => {
        // Somebody may have come while it was written.
        const isGone = entry.group.isEmpty && entry.offsets.isEmpty && entry.writes === 0;
        if (errorCode === 0 && isGone) this.#remove(id, entry);
        done(errorCode);
      },
    });
  }

  #forget(
    id: string,
    entry: Entry,
    of: { offsets: readonly TopicPartition[]; isWhole?: boolean; done: (errorCode: number) => void },
  ): void {
    const { offsets, isWhole = false, done } = of;
    const records = offsets.map(({ topic, partition }) => offsetRecord({ group: id, topic, partition }, null));
    if (isWhole) records.push(groupRecord(id, null));
    if (records.length === 0) return done(0);
    const values = offsets.map((at) => entry.offsets.get(at));
    const { metadata } = entry;
    if (isWhole) entry.metadata = null;
    for (const at of offsets) entry.pending.add(at, null);
    this.#append(entry, records, (errorCode) => {
      if (errorCode !== 0) entry.metadata ??= metadata;
      for (const at of offsets) entry.pending.remove(at, null);
      // What was committed meanwhile stands behind the deletion in the log.
      offsets.forEach((at, place) => {
        if (errorCode === 0 && entry.offsets.get(at) === values[place]) entry.offsets.delete(at);
      });
      done(errorCode);
    });
  }

  #append(entry: Entry, records: readonly StoredRecord[], done: (errorCode: number) => void): void {
    if (this.#log === null || this.#hasEnded) return done(kafkaErrors.NOT_COORDINATOR);
    entry.writes += 1;
    this.#log.append(records, (errorCode) => {
      entry.writes -= 1;
      if (this.#hasEnded) return done(kafkaErrors.NOT_COORDINATOR);
      done(errorCode);
      this.#settle(entry.group.id, entry);
    });
    this.#rewrite?.look();
  }

  /** What a coordinator has to find that reads this log from here on. */
  *#standing(): Generator<StoredRecord> {
    for (const [id, { metadata, offsets, pending }] of this.#entries) {
      if (metadata !== null) yield groupRecord(id, metadata);
      for (const [at, value] of pending.over(offsets)) {
        if (value !== null) yield offsetRecord({ group: id, ...at }, value);
      }
    }
  }

  #nowMs(): number {
    return this.#ports.clock.monotonic();
  }

  #add(id: string): Entry {
    const { clock } = this.#ports;
    const group: Group = new Group(
      id,
      {
        newId: () => this.#ports.newId(),
        now: () => clock.now(),
        persist: (metadata, done) => {
          entry.metadata = metadata;
          this.#append(entry, [groupRecord(id, metadata)], (errorCode) => done(errorCode, this.#nowMs()));
        },
      },
      this.#ports.limits,
    );
    const entry: Entry = {
      group,
      offsets: new CommittedOffsets(),
      metadata: null,
      pending: new PendingOffsets(),
      writes: 0,
      deadline: null,
      dueMs: Number.POSITIVE_INFINITY,
    };
    this.#entries.set(id, entry);
    return entry;
  }

  #remove(id: string, entry: Entry): void {
    entry.deadline?.cancel();
    entry.group.end(kafkaErrors.UNKNOWN_MEMBER_ID);
    if (this.#entries.get(id) === entry) this.#entries.delete(id);
  }

  /** Sees to it that the group is woken when something in it is due; one that never came to be is forgotten. */
  #settle(id: string, entry: Entry): void {
    const { group, offsets, writes } = entry;
    if (this.#hasEnded || group.state === "Dead") return;
    if (group.isEmpty && group.generation === 0 && offsets.isEmpty && writes === 0) return this.#remove(id, entry);
    const dueMs = entry.group.nextDeadlineMs;
    if (dueMs >= entry.dueMs) return;
    entry.deadline?.cancel();
    entry.dueMs = dueMs;
    entry.deadline = this.#ports.deadlines.after(Math.max(0, dueMs - this.#nowMs()), () => {
      entry.deadline = null;
      entry.dueMs = Number.POSITIVE_INFINITY;
      entry.group.advance(this.#nowMs());
      this.#settle(id, entry);
    });
  }

  async #read(replica: CoordinatorReplica): Promise<void> {
    const groups = new Map<string, GroupMetadata>();
    this.#entries.clear();
    this.#loadedBytes = 0;
    this.#hasUnread = false;
    let at: Offset = replica.log.logStart;
    while (at < replica.highWatermark) {
      const result = await replica.read(at, { maxBytes: LOAD_BYTES, upTo: "highWatermark" });
      if (this.#hasEnded) return;
      if (result.kind === "refused") throw new Error(`reading from ${at} is refused with ${result.errorCode}`);
      const next = this.#take(result.chunks, groups);
      if (next === null || next <= at) throw new Error(`nothing can be read at ${at}`);
      at = next;
      // Whoever else this broker serves is not to wait until all of it is read.
      await new Promise<void>((resolve) => this.#ports.clock.soon(resolve));
    }
    if (this.#hasEnded) return;
    const { clock, logger, rewriteBytesMin: bytesMin } = this.#ports;
    this.#log = new GroupLog(replica, clock, this.epoch);
    const ports = { clock, logger, bytesMin, standing: () => this.#standing() };
    const of = { replica, loadedBytes: this.#loadedBytes };
    if (!this.#hasUnread) this.#rewrite = new LogRewrite(ports, this.#log, of);
    for (const [id, metadata] of groups) {
      const entry = this.#entries.get(id) ?? this.#add(id);
      entry.metadata = metadata;
      entry.group.restore(metadata, this.#nowMs());
      this.#settle(id, entry);
    }
  }

  /** Answers the offset behind the last batch; null when there was none. */
  #take(chunks: readonly Uint8Array[], groups: Map<string, GroupMetadata>): Offset | null {
    let next: Offset | null = null;
    for (const chunk of chunks) {
      this.#loadedBytes += chunk.length;
      for (const at of batchPositions(chunk)) {
        next = (lastOffsetOf(chunk, at) + 1) as Offset;
        if (isControl(chunk, at)) continue;
        for (const { key, value } of recordsOf(chunk, at)) if (key !== null) this.#apply(key, value, groups);
      }
    }
    return next;
  }

  #apply(key: Uint8Array, value: Uint8Array | null, groups: Map<string, GroupMetadata>): void {
    try {
      // Its bytes are the log's memory: what is kept is kept as a copy.
      const record = readGroupRecord(new Uint8Array(key), value === null ? null : new Uint8Array(value));
      if (record.kind === "group") {
        if (record.value === null) groups.delete(record.group);
        else groups.set(record.group, record.value);
      } else if (record.kind === "offset") this.#applyOffset(record.key, record.value);
      else this.#hasUnread = true;
    } catch (error) {
      if (!isMalformed(error)) throw error;
      this.#hasUnread = true;
      this.#ports.logger.error("a record of groups cannot be read and is left out", { error: String(error) });
    }
  }

  #applyOffset({ group, topic, partition }: { group: string } & TopicPartition, value: CommittedOffset | null): void {
    const known = this.#entries.get(group);
    if (value !== null) (known ?? this.#add(group)).offsets.set({ topic, partition }, value);
    else if (known !== undefined) {
      known.offsets.delete({ topic, partition });
      if (known.offsets.isEmpty) this.#entries.delete(group);
    }
  }
}

const NO_TOPICS: ReadonlySet<string> = new Set();
const NO_BYTES = new Uint8Array(0);
const NO_SUCH_MEMBER: SyncAnswer = {
  errorCode: kafkaErrors.UNKNOWN_MEMBER_ID,
  protocolType: null,
  protocolName: null,
  assignment: NO_BYTES,
};
