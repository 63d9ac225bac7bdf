import type { BrokerId, LeaderEpoch, Offset, TimestampMs } from "../base/ids.ts";
import type { FoundOffset, HostedReplica } from "../handlers/replicas.ts";
import { CommitWaiters } from "../replication/commit-waiters.ts";
import type { Deadlines } from "../replication/deadlines.ts";
import type { ReplicaListener, ReplicaRole } from "../replication/replica.ts";
import type { AppendResult, ReadOptions, ReadResult } from "../replication/replica-answers.ts";
import type { DeletionDone } from "../replication/record-deletion.ts";
import { lastOffsetDeltaOf, maxTimestampOf, stampPosition } from "../wire/record-batch.ts";

interface Kept {
  readonly bytes: Uint8Array;
  readonly baseOffset: Offset;
  readonly nextOffset: Offset;
}

class FakeLog {
  readonly #replica: FakeReplica;

  constructor(replica: FakeReplica) {
    this.#replica = replica;
  }

  get logStart(): Offset {
    return this.#replica.logStart;
  }

  get logEnd(): Offset {
    return this.#replica.logEnd;
  }

  get sizeBytes(): number {
    return this.#replica.kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  endOffsetFor(epoch: LeaderEpoch): { epoch: LeaderEpoch; endOffset: Offset } {
    const { epochEnds, leaderEpoch, logEnd } = this.#replica;
    return epochEnds.get(epoch) ?? { epoch: leaderEpoch, endOffset: logEnd };
  }

  epochAt(): LeaderEpoch {
    return this.#replica.leaderEpoch;
  }

  async offsetForTimestamp(timestamp: TimestampMs): Promise<FoundOffset | null> {
    return this.#found(this.#replica.kept.find(({ bytes }) => maxTimestampOf(bytes, 0) >= timestamp));
  }

  async offsetOfMaxTimestamp(): Promise<FoundOffset | null> {
    const newest = (a: Kept, b: Kept): Kept => (maxTimestampOf(b.bytes, 0) > maxTimestampOf(a.bytes, 0) ? b : a);
    const [first, ...others] = this.#replica.kept;
    return this.#found(first === undefined ? undefined : others.reduce(newest, first));
  }

  #found(kept: Kept | undefined): FoundOffset | null {
    if (kept === undefined) return null;
    const timestampMs = maxTimestampOf(kept.bytes, 0);
    return { offset: kept.baseOffset, timestampMs, leaderEpoch: this.#replica.leaderEpoch };
  }
}

/** A partition in memory whose every answer the test decides: who leads, what is committed, what is held. */
export class FakeReplica implements HostedReplica {
  role: ReplicaRole = "leader";
  leaderEpoch = 0 as LeaderEpoch;
  isReadyAsLeader = true;
  highWatermark = 0 as Offset;
  logStart = 0 as Offset;
  /** Answered to every append instead of appending. */
  refusal = 0;
  /** Answered to the next append instead of appending. */
  duplicate: { baseOffset: Offset; lastOffset: Offset } | null = null;
  /** Reads come as from a disk; null: from memory. */
  disk: { fails: boolean } | null = null;
  isHeld = false;
  /** What leaders know of their followers. */
  followers: { broker: BrokerId; logEnd: Offset }[] = [];
  readonly epochEnds = new Map<number, { epoch: LeaderEpoch; endOffset: Offset }>();
  readonly kept: Kept[] = [];
  readonly #parked: (() => void)[] = [];
  readonly #listeners = new Set<ReplicaListener>();
  readonly #waiters: CommitWaiters;

  constructor(deadlines: Deadlines) {
    this.#waiters = new CommitWaiters(deadlines);
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  get waiterCount(): number {
    return this.#waiters.size;
  }

  get logEnd(): Offset {
    return this.kept.at(-1)?.nextOffset ?? this.logStart;
  }

  readonly log: HostedReplica["log"] = new FakeLog(this);

  errorForEpoch(named: LeaderEpoch): number {
    if (named < 0 || named === this.leaderEpoch) return 0;
    return named < this.leaderEpoch ? 74 : 75;
  }

  append(batch: Uint8Array): AppendResult {
    if (this.isHeld) return { kind: "held" };
    if (this.refusal !== 0) return { kind: "refused", errorCode: this.refusal };
    const { logStart, duplicate } = this;
    this.duplicate = null;
    if (duplicate !== null) return { kind: "duplicate", ...duplicate, logAppendTimeMs: -1, logStart };
    const baseOffset = this.logEnd;
    stampPosition(batch, 0, { baseOffset, leaderEpoch: this.leaderEpoch });
    const nextOffset = (baseOffset + lastOffsetDeltaOf(batch, 0) + 1) as Offset;
    // As the log does: small batches are copied, because their memory may be the socket's.
    this.kept.push({ bytes: new Uint8Array(batch), baseOffset, nextOffset });
    return { kind: "appended", baseOffset, lastOffset: (nextOffset - 1) as Offset, logAppendTimeMs: -1, logStart };
  }

  whenReleased(retry: () => void): void {
    this.#parked.push(retry);
  }

  release(): void {
    this.isHeld = false;
    for (const retry of this.#parked.splice(0)) retry();
  }

  whenCommitted(lastOffset: Offset, options: { timeoutMs: number }, done: (errorCode: number) => void): void {
    if (this.highWatermark > lastOffset) done(0);
    else this.#waiters.add(lastOffset, options, done);
  }

  whenWritten(_lastOffset: Offset, _options: { timeoutMs: number }, done: (errorCode: number) => void): void {
    done(0);
  }

  /** Moves the high watermark, to the log's end if nothing else is said. */
  commit(to = this.logEnd): void {
    this.highWatermark = to;
    this.#waiters.passed(to);
    this.notify();
  }

  fail(errorCode: number): void {
    this.#waiters.fail(errorCode);
  }

  notify(): void {
    for (const listener of [...this.#listeners]) listener.onReplicaChange();
  }

  read(from: Offset, options: ReadOptions): ReadResult | Promise<ReadResult> {
    const { disk } = this;
    if (disk === null) return this.#readNow(from, options);
    if (disk.fails) return Promise.reject(new Error("the disk is broken"));
    return Promise.resolve(this.#readNow(from, options));
  }

  followersAt(from: Offset): { broker: BrokerId; logEnd: Offset }[] {
    return this.followers.filter(({ logEnd }) => logEnd >= from);
  }

  #readNow(from: Offset, { maxBytes }: ReadOptions): ReadResult {
    const { highWatermark, logStart } = this;
    if (from < logStart || from > this.logEnd) return { kind: "refused", errorCode: 1, highWatermark, logStart };
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (const kept of this.kept) {
      if (kept.nextOffset <= from || kept.baseOffset >= highWatermark) continue;
      if (chunks.length > 0 && bytes + kept.bytes.length > maxBytes) break;
      chunks.push(kept.bytes);
      bytes += kept.bytes.length;
    }
    return { kind: "records", chunks, highWatermark, logStart };
  }

  /** Answers at once, as if there were no other replica. */
  deleteRecords(before: Offset, _options: { timeoutMs: number }, done: DeletionDone): void {
    const offset = before === -1 ? this.highWatermark : before;
    if (offset > this.highWatermark) return done(1, -1 as Offset);
    this.logStart = Math.max(this.logStart, offset) as Offset;
    while (this.kept.length > 0 && this.kept[0]!.nextOffset <= this.logStart) this.kept.shift();
    done(0, this.logStart);
  }

  listen(listener: ReplicaListener): void {
    this.#listeners.add(listener);
  }

  unlisten(listener: ReplicaListener): void {
    this.#listeners.delete(listener);
  }
}
