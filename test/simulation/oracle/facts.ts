import type { BrokerRecord } from "../../../operator/machine/state.ts";
import type { PartitionRow, TopicRow } from "../../../broker/contract/rows.ts";
import { ContentNames, type NamesOf, namesByContent, namesInBatch } from "./record-names.ts";
import type { ReplicaMirror } from "./replica-mirror.ts";
import { WrittenBatches } from "./written-batches.ts";

/** A broken invariant: its number in docs/architecture.md, and what was seen. */
export interface Violation {
  readonly invariant: number;
  readonly text: string;
  readonly atMs: number;
}

/** Records that nobody kept: allowed only after a loss of power or an unclean election, and listed by the run. */
export interface Loss {
  readonly partition: string;
  readonly fromOffset: number;
  readonly count: number;
  readonly atMs: number;
}

/** All that the oracle knows of one partition. */
export class PartitionFacts {
  readonly topicId: string;
  readonly partition: number;
  readonly name: string;
  row: PartitionRow | null = null;
  isDeleted = false;
  /** Leaders let old records go: nothing is expected of what lies below the start of a replica's files. */
  hasRetention = false;
  /** Of each key the newest record stays; what is older may go, and so may tombstones in their time. */
  isCompacted = false;
  /** `delete.retention.ms`. */
  deleteRetentionMs = 0;
  /** `min.compaction.lag.ms`. */
  minCompactionLagMs = 0;
  /** Greatest offset before which records were asked to be deleted; infinite where coordinators do so themselves. */
  deletedTo = 0;
  /** Auditors began there: what lies below was gone before they came. */
  auditedFrom = 0;
  /** By offset: records acked with acks=all, or shown to a reader. Holes are offsets of which nothing is known yet. */
  committed: (number | undefined)[] = [];
  /** Those of them that a producer has the word for. */
  acked: boolean[] = [];
  /** The first offset of all that is listed as lost. */
  lostFrom = Number.POSITIVE_INFINITY;
  /** The last unclean election: what leaders before that epoch wrote from that offset on is given up. */
  unclean: { readonly epoch: number; readonly broker: number; readonly from: number } | null = null;
  /** Newest leader epoch in which a record was ever written at an offset, by `OFFSET/ID`. */
  readonly writtenIn = new Map<string, number>();
  /** By offset: when a record was first there on any disk. */
  readonly writtenAtUs: number[] = [];
  /** Of a compacted partition: every batch as its leader wrote it. */
  readonly written = new WrittenBatches();
  /** By offset: the leader epoch of a record of which some replica had the place alone. */
  readonly goneIn: number[] = [];
  /** Tombstones that went in their time, by `EPOCH/OFFSET`. */
  readonly expired = new Set<string>();
  /** Of records that went for a later one of their key, by `EPOCH/OFFSET`: the offset of that one. */
  readonly supersededBy = new Map<string, number>();
  /** What an auditor saw last of each key: the record's name. */
  readonly audited = new Map<string, number>();
  readonly mirrors = new Map<number, ReplicaMirror>();
  /**
   * Brokers that lost power and have not joined the ISR since: their logs may end in what was cut once, and no high
   * watermark of theirs is shown to anybody.
   */
  readonly torn = new Set<number>();
  /** How often all of its members had lost power: none of them may have kept anything. */
  emptiedCount = 0;

  constructor(topicId: string, partition: number) {
    this.topicId = topicId;
    this.partition = partition;
    this.name = `${topicId.slice(0, 6)}-${partition}`;
  }

  /** A word on its way since before an unclean election, or of a leader that did not know of it yet. */
  isGivenUp(offset: number, id: number): boolean {
    if (this.unclean === null || offset < this.unclean.from) return false;
    return (this.writtenIn.get(`${offset}/${id}`) ?? -1) < this.unclean.epoch;
  }

  /** To be called when somebody lost power, or left: what those that are left keep may be nothing. */
  noteIfEmptied(): void {
    const { members, torn } = this;
    if (members.length > 0 && members.every((member) => torn.has(member))) this.emptiedCount++;
  }

  get hasLost(): boolean {
    return this.lostFrom < Number.POSITIVE_INFINITY;
  }

  /** Nobody has to find anything below, and nothing above may be missing. */
  get goneTo(): number {
    return this.hasRetention ? Number.POSITIVE_INFINITY : this.deletedTo;
  }

  /** Who must hold everything committed: in-sync and eligible leader replicas. */
  get members(): readonly number[] {
    return this.row === null ? [] : [...this.row.isr, ...this.row.elr];
  }
}

export const counterNames = [
  "elections",
  "electionsFromElr",
  "waitsForAll",
  "truncations",
  "duplicateAnswers",
  "takeovers",
  "unknownCommits",
  "ackedRecords",
  "readRecords",
  "readOfFollowers",
  "faults",
  "powerLosses",
  "uncleanElections",
  "isrChanges",
  "sessions",
  "reassigned",
  "cancelled",
  "removedReplicas",
  "commits",
  "retired",
  "deletions",
  "cleanings",
  "cleanedRecords",
  "expiredTombstones",
  "interruptedCleanings",
  "generations",
  "offsetCommits",
  "offsetFetches",
  "coordinatorMoves",
] as const;
export type Counters = Record<(typeof counterNames)[number], number>;

export const noCounts = (): Counters => Object.fromEntries(counterNames.map((name) => [name, 0])) as Counters;

/** What all invariants read: the committed metadata, the replicas' files, and what clients were told. */
export class Facts {
  readonly counters: Counters = noCounts();
  readonly partitions = new Map<string, PartitionFacts>();
  readonly topics = new Map<string, TopicRow>();
  readonly registry = new Map<number, BrokerRecord>();
  /** Brokers whose machine lost power and whose next process is not yet registered: nothing is expected of them. */
  readonly unsettled = new Set<number>();
  /** Topics that come and go: what is acked there may be gone. */
  readonly volatileTopics = new Set<string>();
  readonly losses: Loss[] = [];
  readonly contents = new ContentNames();
  readonly #namesByContent = namesByContent(this.contents);
  violation: Violation | null = null;
  controllerEpoch = 0;
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get nowMs(): number {
    return this.#nowMs();
  }

  /** Only the first violation counts: what follows may follow from it. */
  fail(invariant: number, text: string): void {
    this.violation ??= { invariant, text, atMs: this.#nowMs() };
  }

  partition(topicId: string, partition: number): PartitionFacts {
    const key = `${topicId}/${partition}`;
    const known = this.partitions.get(key);
    if (known !== undefined) return known;
    const fresh = new PartitionFacts(topicId, partition);
    this.partitions.set(key, fresh);
    return fresh;
  }

  /** How records of a partition are named. */
  namesOf(topicId: string, partition: number): NamesOf {
    return this.partition(topicId, partition).isCompacted ? this.#namesByContent : namesInBatch;
  }

  losePower(broker: number): void {
    this.unsettled.add(broker);
    for (const partition of this.partitions.values()) {
      partition.torn.add(broker);
      partition.noteIfEmptied();
    }
  }

  allowsUnclean(topicId: string): boolean {
    return this.topics.get(topicId)?.config["unclean.leader.election.enable"] === "true";
  }

  nameOf(topicId: string): string {
    return this.topics.get(topicId)?.name ?? topicId;
  }

  isVolatile(topicId: string): boolean {
    const topic = this.topics.get(topicId);
    return topic === undefined || this.volatileTopics.has(topic.name);
  }
}
