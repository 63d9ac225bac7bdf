import { assert } from "../base/assert.ts";
import { isTidemarkError, type TidemarkError } from "../base/errors.ts";
import type { LeaderEpoch, Offset, PartitionIndex, TopicId } from "../base/ids.ts";
import type { HandOver, HandOverVoid, IsrRefused } from "../contract/control.ts";
import type { PartitionRow } from "../contract/rows.ts";
import type { EpochEnd } from "../storage/leader-epoch-cache.ts";
import { type LogConfig, mustSync } from "../storage/log-config.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import { AppendHold } from "./append-hold.ts";
import { CommitWaiters } from "./commit-waiters.ts";
import { countedEnd } from "./counted-end.ts";
import type { Deadlines } from "./deadlines.ts";
import { HandOverWatch } from "./hand-over.ts";
import { leaderEpochStanding } from "./leader-epoch-check.ts";
import { type FollowerEnd, type LeaderPorts, Leadership, type LedPartition } from "./leadership.ts";
import { epochBefore } from "./log.ts";
import type { DeletionDone } from "./record-deletion.ts";
import type { AppendResult, ReadOptions, ReadResult } from "./replica-answers.ts";
import { ReplicaReads } from "./replica-reads.ts";
import { acceptsRow } from "./row-acceptance.ts";
import { SerialQueue } from "./serial-queue.ts";
import { countIsrChange, type TopicTraffic } from "./topic-traffic.ts";
import { truncationPoint } from "./truncation.ts";

/** Kafka's codes that a replica answers. */
const OFFSET_OUT_OF_RANGE = 1;
const NOT_LEADER_OR_FOLLOWER = 6;
const NOT_ENOUGH_REPLICAS = 19;
const NOT_ENOUGH_REPLICAS_AFTER_APPEND = 20;
const FENCED_LEADER_EPOCH = 74;
const UNKNOWN_LEADER_EPOCH = 75;

const NO_OFFSET = -1 as Offset;
/** As DeleteRecords names it. */
const TO_HIGH_WATERMARK = -1 as Offset;
/** Appends are held while more than this waits for the disk, until half of it is written. */
const UNWRITTEN_BYTES_MAX = 32 * 1024 * 1024;
/** Written records that a leader keeps in memory for followers and consumers. A follower keeps none. */
const LEADER_TAIL_BYTES = 8 * 1024 * 1024;

export type ReplicaRole = "leader" | "follower" | "opening" | "offline";

/** A fetch that waits on some replicas. */
export interface ReplicaListener {
  /** High watermark, role or log start moved. */
  onReplicaChange(): void;
}

/** What a replica stands on: the manager. */
export interface ReplicaHost extends LeaderPorts {
  readonly deadlines: Deadlines;
  /** The replica follows `row.leader` from now on, until `unfollow`. */
  follow(replica: Replica): void;
  unfollow(replica: Replica): void;
  /** More of a follower's log counts: its leader is to be told. */
  onFollowerDurable(replica: Replica): void;
  /** A follower's retention removed records: its leader sends no consumer there for them. */
  onFollowerStart(replica: Replica): void;
  /** Makes the replica's high watermark, just lowered, the one that a restart begins with. */
  checkpoint(replica: Replica): Promise<void>;
  /** A disk failed: the process must end. */
  onStorageFailure(error: unknown): void;
}

/** One partition on this broker: its log, its role, what is committed. */
export class Replica implements LedPartition {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: PartitionIndex;
  readonly log: PartitionLog;
  readonly #traffic: TopicTraffic;
  readonly #host: ReplicaHost;
  readonly #queue: SerialQueue;
  readonly #hold = new AppendHold();
  readonly #commitWaiters: CommitWaiters;
  readonly #writeWaiters: CommitWaiters;
  readonly #listeners = new Set<ReplicaListener>();
  readonly #handOver: HandOverWatch;
  readonly #reads: ReplicaReads;
  #config: LogConfig;
  #row: PartitionRow | null = null;
  #role: ReplicaRole = "opening";
  #highWatermark: Offset;
  #leadership: Leadership | null = null;
  #syncedSaid: boolean | null = null;
  #statedSynced = false;
  /** The log is being cut to fit its leader's: nothing is appended to it. */
  #isCutting = false;
  #isClosed = false;

  constructor(
    host: ReplicaHost,
    of: {
      topic: string;
      topicId: TopicId;
      partition: PartitionIndex;
      log: PartitionLog;
      config: LogConfig;
      traffic: TopicTraffic;
      /** As checkpointed. */
      highWatermark: Offset;
    },
  ) {
    this.#host = host;
    this.topic = of.topic;
    this.topicId = of.topicId;
    this.partition = of.partition;
    this.log = of.log;
    this.#traffic = of.traffic;
    this.#config = of.config;
    this.#highWatermark = clamp(of.highWatermark, of.log);
    this.#queue = new SerialQueue((error) => host.onStorageFailure(error));
    this.#commitWaiters = new CommitWaiters(host.deadlines);
    this.#writeWaiters = new CommitWaiters(host.deadlines);
    this.#handOver = new HandOverWatch(host, this.#hold);
    this.#reads = new ReplicaReads(this, of.traffic);
    this.log.onDurable = () => this.#onDurable();
    this.log.onFailure = (error) => host.onStorageFailure(error);
  }

  /** The newest row accepted; null before the first. */
  get rowOrNull(): PartitionRow | null {
    return this.#row;
  }

  get row(): PartitionRow {
    assert(this.#row !== null, "a replica in use has a row");
    return this.#row;
  }

  get role(): ReplicaRole {
    return this.#role;
  }

  get highWatermark(): Offset {
    return this.#highWatermark;
  }

  /** −1 before the first row. */
  get leaderEpoch(): LeaderEpoch {
    return this.#row?.leaderEpoch ?? (-1 as LeaderEpoch);
  }

  get leadership(): Leadership | null {
    return this.#leadership;
  }

  get isLeading(): boolean {
    return this.#leadership !== null;
  }

  get config(): LogConfig {
    return this.#config;
  }

  /** The high watermark has reached the start of the leader's epoch; before, "latest" is OFFSET_NOT_AVAILABLE. */
  get isReadyAsLeader(): boolean {
    return this.#leadership?.isReady ?? false;
  }

  /** What Kafka answers to a request that names a leader epoch; −1 names none, 0 is no error. */
  errorForEpoch(named: LeaderEpoch): number {
    if (named < 0) return 0;
    const standing = leaderEpochStanding({ named, current: this.leaderEpoch });
    if (standing === "current") return 0;
    return standing === "stale" ? FENCED_LEADER_EPOCH : UNKNOWN_LEADER_EPOCH;
  }

  /**
   * Appends one validated batch, which then belongs to the log. Order of calls is order of records. acks=all is refused
   * with NOT_ENOUGH_REPLICAS while the ISR is below minIsr.
   */
  append(batch: Uint8Array, options: { acks: -1 | 0 | 1; nowMs: number }): AppendResult {
    const leadership = this.#leadership;
    const row = this.#row;
    if (leadership === null || row === null) return { kind: "refused", errorCode: NOT_LEADER_OR_FOLLOWER };
    if (this.#hold.isClosed) return { kind: "held" };
    if (options.acks === -1 && row.isr.length < row.minIsr) return { kind: "refused", errorCode: NOT_ENOUGH_REPLICAS };
    const { log } = this;
    const check = log.producers.check(batch, 0);
    if (check.kind === "refused") return check;
    if (check.kind === "duplicate") {
      const { kind, baseOffset, lastOffset, timestampMs } = check;
      const logAppendTimeMs = this.#config.timestampType === "LogAppendTime" ? timestampMs : -1;
      return { kind, baseOffset, lastOffset, logAppendTimeMs, logStart: log.logStart };
    }
    const appended = log.appendAsLeader(batch, { leaderEpoch: leadership.epoch, nowMs: options.nowMs });
    for (const target of leadership.targets) target.wake();
    if (log.unwrittenBytes > UNWRITTEN_BYTES_MAX) this.#hold.close("unwritten");
    const { baseOffset, lastOffset, logAppendTimeMs } = appended;
    this.#traffic.bytesIn += batch.length;
    this.#traffic.recordsIn += lastOffset - baseOffset + 1;
    return { kind: "appended", baseOffset, lastOffset, logAppendTimeMs, logStart: log.logStart };
  }

  /** Calls `retry` once appends are no longer held, in the order in which they came. */
  whenReleased(retry: () => void): void {
    if (this.#hold.isClosed) this.#hold.park(retry);
    else retry();
  }

  /**
   * For acks=all: 0 once everything up to `lastOffset` is committed; 7 after `timeoutMs`; 20 as soon as an ISR below
   * minIsr is committed; 6 when this broker leads no more. `done` may be called before this returns.
   */
  whenCommitted(lastOffset: Offset, options: { timeoutMs: number }, done: (errorCode: number) => void): void {
    if (this.#leadership === null) done(NOT_LEADER_OR_FOLLOWER);
    else if (this.#highWatermark > lastOffset) done(0);
    else this.#commitWaiters.add(lastOffset, options, done);
  }

  /**
   * For acks=1: 0 once the leader's own log counts everything up to `lastOffset`. Otherwise as `whenCommitted`. While
   * it is not known whether another leads already, this log alone promises nothing: then 0 once it is committed.
   */
  whenWritten(lastOffset: Offset, options: { timeoutMs: number }, done: (errorCode: number) => void): void {
    if (this.#handOver.isUndecided) this.whenCommitted(lastOffset, options, done);
    else if (countedEnd(this.log) > lastOffset) done(0);
    else if (this.#leadership === null) done(NOT_LEADER_OR_FOLLOWER);
    else this.#writeWaiters.add(lastOffset, options, done);
  }

  /** Whole batches from the one that holds `from` on; see ReplicaReads. */
  read(from: Offset, options: ReadOptions): ReadResult | Promise<ReadResult> {
    return this.#reads.read(from, options);
  }

  /** In-sync followers that a consumer at `from` can go on with, and how far each has got; none unless this leads. */
  followersAt(from: Offset): readonly FollowerEnd[] {
    return this.#leadership?.followersAt(from) ?? [];
  }

  /**
   * Deletes everything below `before` (−1: below the high watermark) for readers; the files go when retention looks.
   * `done` once no in-sync replica shows it, with the lowest log start of them; 1 where it is not committed yet, 6 when
   * this broker leads no more, 7 after `timeoutMs`, with the deletion standing.
   */
  deleteRecords(before: Offset, options: { timeoutMs: number }, done: DeletionDone): void {
    const leadership = this.#leadership;
    const offset = before === TO_HIGH_WATERMARK ? this.#highWatermark : before;
    if (leadership === null) return done(NOT_LEADER_OR_FOLLOWER, NO_OFFSET);
    if (offset < 0 || offset > this.#highWatermark) return done(OFFSET_OUT_OF_RANGE, NO_OFFSET);
    if (offset > this.log.logStart) {
      this.log.advanceLogStart(offset);
      this.#notify();
    }
    this.keepLogStart(() => {
      if (this.#leadership === leadership) leadership.deleteBefore(offset, options, done);
      else done(NOT_LEADER_OR_FOLLOWER, NO_OFFSET);
    });
  }

  /** Makes the log start as it is now the one that a restart begins with, then calls `done`. */
  keepLogStart(done: () => void): void {
    const kept = this.log.flush().then(() => this.#host.checkpoint(this));
    kept.then(done, (error: unknown) => this.#host.onStorageFailure(error));
  }

  listen(listener: ReplicaListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: ReplicaListener): void {
    this.#listeners.delete(listener);
  }

  /** Acts on a row of the controller; a late or repeated one changes nothing. */
  applyRow(row: PartitionRow): void {
    const current = this.#row;
    if (this.#isClosed || !acceptsRow({ current, next: row })) return;
    this.#row = row;
    if (current !== null && row.leader === this.#host.me) countIsrChange(this.#traffic, current.isr, row.isr);
    if (current !== null && current.leaderEpoch === row.leaderEpoch && current.leader === row.leader) {
      this.#leadership?.onRow(row);
    } else {
      this.#leaveRole({ isStillLeader: current?.leader === this.#host.me && row.leader === this.#host.me });
      this.#queue.run(() => this.#enterRole());
    }
    if (row.isr.length < row.minIsr) this.#commitWaiters.fail(NOT_ENOUGH_REPLICAS_AFTER_APPEND);
    // What was said of an earlier row counts no more.
    this.#syncedSaid = null;
    this.#sayIfSynced();
    this.#notify();
  }

  configure(config: LogConfig): void {
    this.#config = config;
    this.log.configure(config);
    this.#sayIfSynced();
  }

  onBrokers(): void {
    this.#leadership?.onBrokers();
  }

  onRefused(refused: IsrRefused): void {
    this.#leadership?.onRefused(refused);
  }

  /** A session with a controller stands again. */
  onSession(): void {
    this.#syncedSaid = null;
    this.#leadership?.onSession();
    this.#handOver.onSession();
    this.#sayIfSynced();
  }

  onHandOver(message: HandOver): void {
    if (this.#leadership !== null && this.#leadership.epoch === message.leaderEpoch) {
      this.#handOver.start(message, this.#leadership, this.log);
    }
  }

  onHandOverVoid(message: HandOverVoid): void {
    this.#handOver.onVoid(message);
  }

  /** Called a few times a second. A sync that moves no log end is noticed here: it may be what others wait for. */
  tick(): void {
    this.#leadership?.tick();
    this.#sayIfSynced();
    if (this.#role === "follower" && this.#isSynced() !== this.#statedSynced) this.#host.onFollowerDurable(this);
  }

  /**
   * Removes old segments as the topic's retention says; nothing at or above the high watermark. Resolves when done; a
   * segment that cannot be read stays, and is reported.
   */
  applyRetention(options: { nowMs: number; producerIdExpirationMs: number }): Promise<void> {
    return new Promise((resolve) => {
      this.#queue.run(async () => {
        if (this.#isClosed) return;
        const { logStart } = this.log;
        try {
          await this.log.applyRetention({ highWatermark: this.#highWatermark, ...options });
          if (this.log.logStart > logStart) this.#onRetention();
        } catch (error) {
          if (!isTidemarkError(error) || error.code !== "LOG_CORRUPT") throw error;
          this.reportUnreadable(error);
        }
      });
      this.#queue.run(resolve);
    });
  }

  #onRetention(): void {
    if (this.#role === "follower") this.#host.onFollowerStart(this);
    this.#notify();
  }

  raiseHighWatermark(to: Offset): void {
    assert(to > this.#highWatermark, "the high watermark only rises");
    assert(to <= this.log.logEnd, "nothing beyond the log is committed");
    this.#highWatermark = to;
    this.#commitWaiters.passed(to);
    if (this.#leadership !== null) for (const target of this.#leadership.targets) target.wakeMark();
    this.#notify();
  }

  onProgress(): void {
    this.#handOver.check();
    this.#sayIfSynced();
  }

  /** What a follower says when it opens: null while it is not ready to follow. */
  openingState(): { leaderEpoch: LeaderEpoch; lastEpoch: LeaderEpoch; logEnd: Offset } | null {
    if (this.#role !== "follower" || this.#isCutting) return null;
    const { log } = this;
    return { leaderEpoch: this.leaderEpoch, lastEpoch: epochBefore(log, log.logEnd), logEnd: log.logEnd };
  }

  /** What a follower states of itself after each write. */
  statement(): { lastEpoch: LeaderEpoch; logEnd: Offset; isSynced: boolean } {
    const { log } = this;
    const logEnd = countedEnd(log);
    const isSynced = this.#isSynced();
    this.#statedSynced = isSynced;
    return { lastEpoch: epochBefore(log, logEnd), logEnd, isSynced };
  }

  #isSynced(): boolean {
    return mustSync(this.#config) && this.log.syncedEnd >= countedEnd(this.log);
  }

  /** Whether this replica follows in `epoch` now, with nothing else going on. */
  isFollowingIn(epoch: LeaderEpoch): boolean {
    if (leaderEpochStanding({ named: epoch, current: this.leaderEpoch }) !== "current") return false;
    return this.#role === "follower" && !this.#isCutting && !this.#isClosed;
  }

  /** Appends what the leader pushed. Anything but "appended": the follower has to open anew. */
  appendAsFollower(bytes: Uint8Array): "appended" | "corrupt" | "gap" {
    const result = this.log.appendAsFollower(bytes);
    if (result.kind === "corrupt") {
      const { topic, partition } = this;
      this.#host.logger.warn("a leader sent records that fail their checks", { topic, partition, why: result.reason });
    }
    return result.kind;
  }

  /** What the leader says is committed and still there; never beyond the own log end. */
  onLeaderMarks(marks: { highWatermark: Offset; logStart: Offset }): void {
    const { log } = this;
    let isNews = this.#reads.metLeader();
    const highWatermark = marks.highWatermark < log.logEnd ? marks.highWatermark : log.logEnd;
    if (highWatermark > this.#highWatermark) {
      this.#highWatermark = highWatermark;
      isNews = true;
    }
    const logStart = marks.logStart < this.#highWatermark ? marks.logStart : this.#highWatermark;
    if (logStart > log.logStart) {
      log.advanceLogStart(logStart);
      isNews = true;
    }
    if (isNews) this.#notify();
  }

  /** The leader found a divergence: cuts the log where its epochs say, then calls `done`. */
  truncate(epoch: LeaderEpoch, leaderEnd: EpochEnd, done: () => void): void {
    this.#cut(epoch, done, async () => {
      const { log } = this;
      const { copyStart, logEnd } = log;
      const ownEnd = log.endOffsetFor(leaderEnd.epoch);
      const cut = truncationPoint(
        { logStart: copyStart, logEnd, highWatermark: this.#highWatermark, ownEnd },
        leaderEnd,
      );
      this.#reportCut(cut.offset, cut.isLoss);
      await log.truncateTo(cut.offset);
      await this.#lowerHighWatermark();
    });
  }

  /** Nothing in common is left with the leader: empties the log and starts at `logStart`, then calls `done`. */
  restart(epoch: LeaderEpoch, logStart: Offset, done: () => void): void {
    this.#cut(epoch, done, async () => {
      this.#reportCut(logStart, this.#highWatermark > logStart);
      await this.log.resetTo(logStart);
      await this.#lowerHighWatermark();
    });
  }

  /**
   * The log was cut, perhaps further than was asked for: what is committed ends with it at the latest. Said durably
   * before anything else comes to stand below the old mark, which after a crash would call it committed.
   */
  async #lowerHighWatermark(): Promise<void> {
    const before = this.#highWatermark;
    this.#highWatermark = clamp(before, this.log);
    if (this.#highWatermark < before) await this.#host.checkpoint(this);
  }

  /** Runs `work` alone, unless the role changed before its turn came. */
  #cut(epoch: LeaderEpoch, done: () => void, work: () => Promise<void>): void {
    this.#isCutting = true;
    this.#reads.end();
    this.#notify();
    this.#queue.run(async () => {
      if (this.leaderEpoch === epoch && this.#role === "follower" && !this.#isClosed) await work();
      this.#isCutting = false;
    });
    this.#queue.run(done);
  }

  /** Leaves its role and closes the log. Resolves when no work is under way. */
  close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#leaveRole({ isStillLeader: false });
      this.#role = "offline";
      this.#notify();
    }
    return new Promise((resolve) => {
      this.#queue.run(() => this.log.close());
      this.#queue.run(resolve);
    });
  }

  #leaveRole(next: { isStillLeader: boolean }): void {
    if (this.#role === "follower") this.#host.unfollow(this);
    this.#leadership?.end();
    this.#leadership = null;
    this.#role = "opening";
    this.#reads.end();
    this.#handOver.end();
    this.#hold.open("unwritten");
    if (next.isStillLeader) return;
    this.#commitWaiters.fail(NOT_LEADER_OR_FOLLOWER);
    this.#writeWaiters.fail(NOT_LEADER_OR_FOLLOWER);
  }

  /** Takes the role that the newest row gives; rows that came and went meanwhile are skipped. */
  #enterRole(): void | Promise<void> {
    if (this.#isClosed || this.#role !== "opening") return;
    if (this.#mustCopyAnew) return this.#empty().then(() => this.#enterRole());
    const { row } = this;
    if (row.leader === this.#host.me) return this.#lead(row);
    this.#commitWaiters.fail(NOT_LEADER_OR_FOLLOWER);
    this.#writeWaiters.fail(NOT_LEADER_OR_FOLLOWER);
    if (row.leader < 0) {
      this.#role = "offline";
      return;
    }
    this.#role = "follower";
    this.log.forgetEmptyEpochs();
    this.log.setTailBytesMax(0);
    this.#host.follow(this);
  }

  /** Of some keys the log has neither the newest record nor the one before; a leader may have them. */
  get #mustCopyAnew(): boolean {
    const { leader } = this.row;
    return leader >= 0 && leader !== this.#host.me && this.log.compaction.hasHole;
  }

  async #empty(): Promise<void> {
    const { topic, partition, log } = this;
    const fields = { topic, partition, logEnd: log.logEnd, supersededEnd: log.compaction.supersededEnd };
    this.#host.logger.warn("a compacted log has lost its end and is copied anew", fields);
    await log.resetTo(0 as Offset);
    await this.#lowerHighWatermark();
  }

  #lead(row: PartitionRow): void {
    this.log.startEpoch(row.leaderEpoch);
    this.log.setTailBytesMax(LEADER_TAIL_BYTES);
    this.#syncedSaid = null;
    this.#leadership = new Leadership(this.#host, this);
    this.#role = "leader";
    this.#leadership.advance();
    this.#notify();
  }

  #onDurable(): void {
    const { log } = this;
    this.#writeWaiters.passed(countedEnd(log));
    if (this.#role === "follower") this.#host.onFollowerDurable(this);
    this.#leadership?.advance();
    if (log.unwrittenBytes < UNWRITTEN_BYTES_MAX / 2) this.#hold.open("unwritten");
    this.#sayIfSynced();
  }

  /** Tells the controller when `synced` in the row is no longer what holds. */
  #sayIfSynced(): void {
    const leadership = this.#leadership;
    const row = this.#row;
    if (leadership === null || row === null || (!mustSync(this.#config) && !row.synced)) return;
    const isSynced =
      mustSync(this.#config) &&
      this.log.syncedEnd >= this.#highWatermark &&
      leadership.isReady &&
      leadership.isEveryFollowerSynced();
    const isNews = isSynced ? !row.synced : row.synced && !mustSync(this.#config);
    if (!isNews || this.#syncedSaid === isSynced) return;
    this.#syncedSaid = isSynced;
    const { topicId, partition } = this;
    const { leaderEpoch, partitionEpoch } = row;
    this.#host.controller.send({ type: "synced", topicId, partition, leaderEpoch, partitionEpoch, synced: isSynced });
  }

  #reportCut(offset: Offset, isLoss: boolean): void {
    const { topic, partition, log, leaderEpoch } = this;
    const fields = { topic, partition, leaderEpoch, from: offset, to: log.logEnd, highWatermark: this.#highWatermark };
    if (isLoss)
      this.#host.logger.warn("records below the high watermark are removed, as the leader has others", fields);
    else if (offset < log.logEnd)
      this.#host.logger.info("uncommitted records are removed, as the leader has others", fields);
  }

  reportUnreadable(error: TidemarkError): void {
    const { topic, partition } = this;
    this.#host.logger.error("a segment cannot be read", { topic, partition, code: error.code, why: error.message });
  }

  #notify(): void {
    if (this.#listeners.size > 0) for (const listener of [...this.#listeners]) listener.onReplicaChange();
  }
}

function clamp(highWatermark: Offset, log: { logStart: Offset; logEnd: Offset }): Offset {
  if (highWatermark > log.logEnd) return log.logEnd;
  return highWatermark < log.logStart ? log.logStart : highWatermark;
}
