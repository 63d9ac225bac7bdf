import type { Clock } from "../base/clock.ts";
import type { BrokerEpoch, BrokerId, LeaderEpoch, Offset } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type { IsrProposal, IsrRefused } from "../contract/control.ts";
import type { PartitionRow } from "../contract/rows.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import { type Alignment, alignmentOf } from "./alignment.ts";
import { type BrokersView, brokerEpochOf, type ControllerLink } from "./cluster-view.ts";
import { countsLogEnd } from "./count-log-end.ts";
import { countedEnd } from "./counted-end.ts";
import type { Deadlines } from "./deadlines.ts";
import { nextHighWatermark } from "./high-watermark.ts";
import { highWatermarkMembers } from "./high-watermark-members.ts";
import { afterRefusal, committedIsr, type IsrState, maximalIsr, resent } from "./isr-state.ts";
import { epochBefore } from "./log.ts";
import { mayJoinIsr } from "./may-join-isr.ts";
import {
  afterClose,
  afterLogEnd,
  afterOpening,
  type FollowerProgress,
  type LogEndStatement,
  lagMs,
  newProgress,
} from "./progress.ts";
import { type DeletionDone, RecordDeletion } from "./record-deletion.ts";
import { afterSilence } from "./unanswered-proposal.ts";

/** One follower's opening as the leader pushes to it. */
export interface PushTarget {
  /** There is more to push. */
  wake(): void;
  /** Only the high watermark moved. */
  wakeMark(): void;
  /** Records were deleted: the follower is to hide them, too, and to say so. */
  wakeStart(): void;
  /** This leader epoch is over, or a newer opening took its place. */
  end(): void;
}

/** A follower and its log end, as it counts. */
export interface FollowerEnd {
  readonly broker: BrokerId;
  readonly logEnd: Offset;
}

/** What a leadership stands on; shared by all partitions of a broker. */
export interface LeaderPorts {
  readonly me: BrokerId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly cluster: BrokersView;
  readonly controller: ControllerLink;
  readonly deadlines: Deadlines;
  /** `replica.lag.time.max.ms`, as in force now. */
  lagTimeMsMax(): number;
  /** +1 at every call: names one sending of a proposal. */
  nextAttempt(): number;
}

/** The partition that is led, as its leadership sees and moves it. */
export interface LedPartition {
  readonly row: PartitionRow;
  readonly log: PartitionLog;
  readonly highWatermark: Offset;
  raiseHighWatermark(to: Offset): void;
  /** A follower's counted log end moved. */
  onProgress(): void;
}

/** A proposal that was not answered by then is sent again. */
const RESEND_MS = 3000;
/** After a refusal, how long before the same wish may be proposed once more. */
const REFUSED_PAUSE_MS = 250;

/**
 * One broker's leading of one partition in one leader epoch: how far each follower is, what is committed, and whom to
 * propose for the ISR. It ends with the epoch; nothing it counted is carried over.
 */
export class Leadership {
  readonly epoch: LeaderEpoch;
  /** Log end at the start of the epoch. */
  readonly epochStart: Offset;
  readonly #ports: LeaderPorts;
  readonly #partition: LedPartition;
  readonly deletion: RecordDeletion;
  readonly #followers = new Map<BrokerId, FollowerProgress>();
  readonly #targets = new Map<BrokerId, PushTarget>();
  /** Statements that do not count yet because the metadata here does not know the follower's process yet. */
  readonly #early = new Map<BrokerId, LogEndStatement>();
  #isr: IsrState;
  #pausedUntilMs = 0;

  constructor(ports: LeaderPorts, partition: LedPartition) {
    this.#ports = ports;
    this.#partition = partition;
    this.epoch = partition.row.leaderEpoch;
    this.epochStart = partition.log.logEnd;
    this.#isr = committedIsr(partition.row.isr);
    this.deletion = new RecordDeletion(ports, partition);
    this.#addFollowers();
  }

  get isr(): IsrState {
    return this.#isr;
  }

  get targets(): Iterable<PushTarget> {
    return this.#targets.values();
  }

  /** The lowest log end that a follower gave in this epoch; null while one gave none. */
  get slowestEnd(): Offset | null {
    let slowest: Offset | null = this.#partition.log.logEnd;
    for (const { logEnd } of this.#followers.values()) {
      if (logEnd === null) return null;
      if (logEnd < slowest) slowest = logEnd;
    }
    return slowest;
  }

  progressOf(broker: BrokerId): FollowerProgress | undefined {
    return this.#followers.get(broker);
  }

  /** Members of the committed ISR that follow now and hold what stands at `from`, or would be given it next. */
  followersAt(from: Offset): FollowerEnd[] {
    return this.#partition.row.isr.flatMap((broker) => {
      const progress = this.#followers.get(broker);
      if (progress === undefined || !progress.isAligned) return [];
      const { logEnd } = progress;
      if (logEnd === null || logEnd < from || this.deletion.startOf(broker) > from) return [];
      return [{ broker, logEnd }];
    });
  }

  /** Neither in sync nor about to be: it was never, or not lately, at the end of the log. */
  isCatchingUp(broker: BrokerId): boolean {
    if (maximalIsr(this.#isr).includes(broker)) return false;
    const progress = this.#followers.get(broker);
    return progress !== undefined && lagMs(progress, this.#view()) > this.#ports.lagTimeMsMax();
  }

  /** Bytes that each replica which is being added still lacks, by the share of offsets. */
  missingBytes(): { broker: BrokerId; bytes: number }[] {
    const { row, log } = this.#partition;
    const offsets = Math.max(1, log.logEnd - log.copyStart);
    return row.adding.map((broker) => {
      const end = Math.max(this.#followers.get(broker)?.logEnd ?? 0, log.copyStart);
      return { broker, bytes: Math.round((log.sizeBytes * (log.logEnd - end)) / offsets) };
    });
  }

  /** All of this epoch's followers hold what was there at its start: "latest" may be answered. */
  get isReady(): boolean {
    return this.#partition.highWatermark >= this.epochStart;
  }

  /** A follower opens the partition in this epoch; when aligned, `target` is pushed to from its log end on. */
  opened(
    broker: BrokerId,
    opening: { brokerEpoch: BrokerEpoch; lastEpoch: LeaderEpoch; logEnd: Offset },
    target: PushTarget,
  ): Alignment | null {
    const progress = this.#followers.get(broker);
    if (progress === undefined) return null;
    const alignment = alignmentOf(this.#logView(), opening);
    const isAligned = alignment.kind === "aligned";
    const { brokerEpoch, logEnd } = opening;
    const after = afterOpening(progress, { brokerEpoch, logEnd, isAligned });
    this.#followers.set(broker, after.progress);
    this.#early.delete(broker);
    this.#targets.get(broker)?.end();
    this.#targets.set(broker, target);
    if (after.hasLostWrites) this.#reportLostWrites(broker, opening.logEnd);
    this.deletion.reopened(broker);
    return alignment;
  }

  /** A follower states its log end; `target` is the opening that the statement came by. */
  stated(broker: BrokerId, statement: LogEndStatement, target: PushTarget): void {
    // What an older stream of the same epoch still delivers was overtaken by the newer opening.
    if (statement.leaderEpoch === this.epoch && this.#targets.get(broker) !== target) return;
    this.#count(broker, statement);
  }

  /** The follower's stream broke or it closed the partition. */
  closed(broker: BrokerId, target: PushTarget): void {
    if (this.#targets.get(broker) !== target) return;
    this.#targets.delete(broker);
    const progress = this.#followers.get(broker);
    if (progress !== undefined) this.#followers.set(broker, afterClose(progress));
  }

  /** Hides records from readers, and has the followers do so; `done` once all that live have, or with an error. */
  deleteBefore(offset: Offset, options: { timeoutMs: number }, done: DeletionDone): void {
    this.deletion.wait(offset, options, done);
    for (const target of this.#targets.values()) target.wakeStart();
  }

  /** More of the leader's own log counts. */
  advance(): void {
    const { row, log, highWatermark } = this.#partition;
    const joining = this.#joining();
    const members = highWatermarkMembers(this.#isr, joining);
    const followerEnds: (Offset | null)[] = [];
    for (const broker of members) {
      if (broker !== this.#ports.me) followerEnds.push(this.#followers.get(broker)?.logEnd ?? null);
    }
    const next = nextHighWatermark({
      previous: highWatermark,
      leaderEnd: countedEnd(log),
      followerEnds,
      isrSize: row.isr.length,
      minIsr: row.minIsr,
    });
    if (next > highWatermark) this.#partition.raiseHighWatermark(next);
  }

  /** A newer row of the same epoch: whatever was proposed is decided. */
  onRow(row: PartitionRow): void {
    this.#isr = committedIsr(row.isr);
    this.#pausedUntilMs = 0;
    this.#addFollowers();
    for (const broker of [...this.#followers.keys()]) {
      if (!row.replicas.includes(broker)) this.#forget(broker);
    }
    this.advance();
    this.deletion.check();
    this.#propose();
  }

  /** Broker rows changed: what did not count may count now, and who may not join may. */
  onBrokers(): void {
    if (this.#early.size > 0) {
      const early = [...this.#early];
      this.#early.clear();
      for (const [broker, statement] of early) this.#count(broker, statement);
    }
    this.advance();
    this.deletion.check();
    this.#propose();
  }

  onRefused(refused: IsrRefused): void {
    const before = this.#isr;
    this.#isr = afterRefusal(before, refused);
    if (this.#isr === before) return;
    this.#ports.logger.info("the controller refused an ISR", { ...this.#name(), reason: refused.reason });
    this.#pausedUntilMs = this.#ports.clock.monotonic() + REFUSED_PAUSE_MS;
    this.advance();
  }

  /** A session with a controller stands: what an earlier one was told may be lost. */
  onSession(): void {
    this.#resend();
    this.#propose();
  }

  /** Called a few times a second: lag is the passing of time. */
  tick(): void {
    const state = this.#isr;
    const nowMs = this.#ports.clock.monotonic();
    if (state.kind !== "committed" && nowMs - state.sentAtMs >= RESEND_MS) {
      this.#isr = afterSilence(state);
      this.#resend();
    }
    this.#propose();
    this.advance();
  }

  /** The epoch is over here: nothing is pushed in it any more. */
  end(): void {
    for (const target of this.#targets.values()) target.end();
    this.#targets.clear();
    this.deletion.end();
  }

  /** Every ISR member has synced all that its counted log end covers, with `flush.messages=1` in force there. */
  isEveryFollowerSynced(): boolean {
    return this.#partition.row.isr.every(
      (broker) => broker === this.#ports.me || this.#followers.get(broker)?.isSynced === true,
    );
  }

  #addFollowers(): void {
    const { row } = this.#partition;
    for (const broker of row.replicas) {
      if (broker === this.#ports.me || this.#followers.has(broker)) continue;
      const isInIsr = row.isr.includes(broker);
      this.#followers.set(broker, newProgress(broker, { ...this.#view(), isInIsr }));
    }
  }

  #forget(broker: BrokerId): void {
    this.#followers.delete(broker);
    this.#early.delete(broker);
    this.#targets.get(broker)?.end();
    this.#targets.delete(broker);
  }

  #count(broker: BrokerId, statement: LogEndStatement): void {
    const progress = this.#followers.get(broker);
    if (progress === undefined) return;
    const { log } = this.#partition;
    const brokerEpoch = brokerEpochOf(this.#ports.cluster, broker);
    const { logEnd } = statement;
    const counts = countsLogEnd(statement, {
      leaderEpoch: this.epoch,
      brokerEpoch,
      isAligned: progress.isAligned,
      copyStart: log.copyStart,
      logStart: log.logStart,
      logEnd: log.logEnd,
      epochBefore: epochBefore(log, logEnd),
    });
    if (!counts) {
      if (statement.leaderEpoch === this.epoch && statement.brokerEpoch > brokerEpoch)
        this.#early.set(broker, statement);
      return;
    }
    const after = afterLogEnd(progress, statement, this.#view());
    this.#followers.set(broker, after.progress);
    if (after.hasLostWrites) this.#reportLostWrites(broker, logEnd);
    this.advance();
    if (this.#isr.kind === "committed" && !this.#isr.isr.includes(broker)) this.#propose();
    this.#partition.onProgress();
  }

  #reportLostWrites(broker: BrokerId, logEnd: Offset): void {
    this.#ports.logger.warn("a follower lost writes: its log ends below what it had stated", {
      ...this.#name(),
      broker,
      logEnd,
    });
    this.#propose();
  }

  #view(): { nowMs: number; logEnd: Offset } {
    return { nowMs: this.#ports.clock.monotonic(), logEnd: this.#partition.log.logEnd };
  }

  #logView(): Parameters<typeof alignmentOf>[0] {
    const { log } = this.#partition;
    return {
      copyStart: log.copyStart,
      logEnd: log.logEnd,
      firstEpoch: log.logEnd > log.copyStart ? log.epochAt(log.copyStart) : this.epoch,
      lastEpoch: this.epoch,
      endOffsetFor: (epoch) => log.endOffsetFor(epoch),
    };
  }

  #name(): { topicId: string; partition: number; leaderEpoch: number } {
    const { topicId, partition } = this.#partition.row;
    return { topicId, partition, leaderEpoch: this.epoch };
  }

  #mayJoin(progress: FollowerProgress, highWatermark: Offset, epochStart: Offset): boolean {
    const row = this.#ports.cluster.broker(progress.broker);
    // A row that promises synced members admits no other.
    if (row === undefined || (this.#partition.row.synced && !progress.isSynced)) return false;
    const { logEnd, isAligned, brokerEpoch } = progress;
    const { isFenced, isShuttingDown, epoch: brokerEpochInMetadata } = row;
    const isLagging = lagMs(progress, this.#view()) > this.#ports.lagTimeMsMax();
    return mayJoinIsr(
      { logEnd, isAligned, isLagging, brokerEpoch, brokerEpochInMetadata, isFenced, isShuttingDown },
      { highWatermark, epochStart },
    );
  }

  /** Outside the ISR, but lately caught up and free to join: the high watermark waits for them. */
  #joining(): readonly BrokerId[] {
    if (this.#followers.size + 1 === maximalIsr(this.#isr).length) return NOBODY;
    const members = maximalIsr(this.#isr);
    if (this.#ports.clock.monotonic() < this.#pausedUntilMs) return NOBODY;
    return [...this.#followers.values()]
      .filter((progress) => !members.includes(progress.broker) && this.#mayJoin(progress, ANY, ANY))
      .map((progress) => progress.broker);
  }

  /** Who lags leaves, who is there joins; one proposal at a time. */
  #propose(): void {
    if (this.#isr.kind !== "committed") return;
    const view = this.#view();
    if (view.nowMs < this.#pausedUntilMs) return;
    const { isr } = this.#isr;
    const { highWatermark } = this.#partition;
    const lagTimeMsMax = this.#ports.lagTimeMsMax();
    const followers = [...this.#followers.values()];
    const removed = followers
      .filter((progress) => isr.includes(progress.broker) && lagMs(progress, view) > lagTimeMsMax)
      .map((progress) => progress.broker);
    const base = { isr, sentAtMs: view.nowMs };
    if (removed.length > 0) {
      const proposal = this.#proposal(isr.filter((broker) => !removed.includes(broker)));
      this.#isr = { kind: "pendingShrink", ...base, removed, proposal };
      this.#send(proposal);
      return;
    }
    const added = followers
      .filter((progress) => !isr.includes(progress.broker))
      .filter((progress) => this.#mayJoin(progress, highWatermark, this.epochStart))
      .map((progress) => progress.broker);
    if (added.length === 0) return;
    const proposal = this.#proposal([...isr, ...added]);
    this.#isr = { kind: "pendingExpand", ...base, added, proposal };
    this.#send(proposal);
  }

  #proposal(isr: readonly BrokerId[]): IsrProposal {
    const { topicId, partition, partitionEpoch } = this.#partition.row;
    return {
      type: "isrProposal",
      topicId,
      partition,
      leaderEpoch: this.epoch,
      partitionEpoch,
      isr: isr.map((broker) => ({ broker, brokerEpoch: this.#shownEpoch(broker) })),
      attempt: this.#ports.nextAttempt(),
    };
  }

  /** The broker epoch that a member showed here; of one that has not opened yet, what the metadata says. */
  #shownEpoch(broker: BrokerId): BrokerEpoch {
    const shown = this.#followers.get(broker)?.brokerEpoch ?? -1;
    return shown >= 0 ? (shown as BrokerEpoch) : brokerEpochOf(this.#ports.cluster, broker);
  }

  #resend(): void {
    if (this.#isr.kind === "committed") return;
    const { clock } = this.#ports;
    this.#isr = resent(this.#isr, { attempt: this.#ports.nextAttempt(), nowMs: clock.monotonic() });
    this.#send(this.#isr.proposal);
  }

  #send(proposal: IsrProposal): void {
    this.#ports.controller.send(proposal);
  }
}

const NOBODY: readonly BrokerId[] = [];
const ANY = 0 as Offset;
