import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { type LeaderEpoch, NO_EPOCH, type Offset, type TimestampMs, type TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import {
  baseOffsetOf,
  lastOffsetDeltaOf,
  leaderEpochOf,
  maxTimestampOf,
  stampLogAppendTime,
  stampPosition,
} from "../wire/record-batch.ts";
import { faultOfRun, type FollowerAppend, type Run, splitRuns } from "./follower-run.ts";
import type { EpochEnd, LeaderEpochCache } from "./leader-epoch-cache.ts";
import { type CompactedLog, LogCompaction } from "./log-compaction.ts";
import { type LogConfig, mustSync } from "./log-config.ts";
import { LogFolder } from "./log-folder.ts";
import { LogEnds } from "./log-ends.ts";
import { LogPersistence } from "./log-persistence.ts";
import { type FoundOffset, LogReader } from "./log-reader.ts";
import { type LoadedLog, type Recovery, recoverLog } from "./log-recovery.ts";
import { LogSyncer } from "./log-syncer.ts";
import { LogTurns } from "./log-turns.ts";
import { LogWriter } from "./log-writer.ts";
import type { OpenOptions } from "./open-options.ts";
import { OffsetWaiters } from "./offset-waiters.ts";
import { encodeSnapshot } from "./producer-snapshot.ts";
import type { ProducerStates } from "./producer-state.ts";
import { beginningAt } from "./record-read.ts";
import { type Segment, segmentHolding } from "./segment.ts";
import { SegmentRemover } from "./segment-remover.ts";
import { SharedStorage } from "./shared-storage.ts";
import { SyncSchedule } from "./sync-schedule.ts";
import { Tail } from "./tail.ts";

const TAIL_BYTES_MAX = 4 * 1024 * 1024;
/** Retention where `cleanup.policy` has no `delete`. */
const KEEPS_ALL = { retentionMs: -1, retentionBytes: -1 } as const;

export interface AppendedBatch {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** −1 with CreateTime. */
  readonly logAppendTimeMs: number;
}

/**
 * One partition's log: appended to in memory at once, written behind by group commit, synced when asked, recovered
 * after a crash. Appends are synchronous and never wait; whoever needs to know that they reached the disk listens to
 * `onDurable`. Nothing may be appended while `truncateTo`, `resetTo` or `close` runs.
 */
export class PartitionLog {
  readonly folder: string;
  readonly topicId: TopicId;
  readonly compaction: LogCompaction;
  /** Called after `durableEnd` moved because a write or sync returned. */
  onDurable: () => void = () => undefined;
  /** Called once when a write or sync failed: the process must end, for the page cache may no longer be true. */
  onFailure: (error: unknown) => void = () => undefined;

  readonly #shared: SharedStorage;
  readonly #files: LogFolder;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #tail: Tail;
  readonly #writer: LogWriter;
  readonly #syncer: LogSyncer;
  readonly #schedule: SyncSchedule;
  readonly #reader: LogReader;
  readonly #epochs: LeaderEpochCache;
  readonly #ends: LogEnds;
  readonly #persistence: LogPersistence;
  readonly #writtenWaiters = new OffsetWaiters();
  readonly #remover: SegmentRemover;
  #config: LogConfig;
  #producers: ProducerStates;
  #segments: Segment[];
  #isFirstTimestampKnown: boolean;
  #isClosed = false;
  #failure: unknown = null;
  readonly #turns = new LogTurns(() => this.#failure);

  /**
   * Opens or makes a partition's log, recovering it first. Throws TidemarkError LOG_CORRUPT when the folder belongs to
   * another topic, DISK_FULL or DISK_FAILED when the disk does not do its part.
   */
  static async open(options: OpenOptions): Promise<{ log: PartitionLog; recovery: Recovery }> {
    const shared = options.shared ?? new SharedStorage(options.disk);
    const folder = new LogFolder(shared, { path: options.folder, topicId: options.topicId });
    const loaded = await recoverLog({ ...options, folder });
    const log = new PartitionLog(options, { folder, loaded });
    if (mustSync(options.config) && log.recoveryPoint < log.logEnd) await log.flush();
    return { log, recovery: loaded.recovery };
  }

  private constructor(options: OpenOptions, { folder, loaded }: { folder: LogFolder; loaded: LoadedLog }) {
    this.folder = options.folder;
    this.topicId = options.topicId;
    this.#shared = folder.shared;
    this.#files = folder;
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#config = options.config;
    this.#segments = loaded.segments;
    this.#epochs = loaded.epochs;
    this.#producers = loaded.producers;
    this.#ends = new LogEnds({
      logStart: loaded.logStart,
      logEnd: this.#active.endOffset,
      syncedEnd: loaded.recoveryPoint,
      mustSync: mustSync(this.#config),
    });
    this.#persistence = new LogPersistence(folder, loaded);
    this.#isFirstTimestampKnown = this.#active.isEmpty || this.#active.firstTimestampMs !== null;
    this.#tail = new Tail(this.#shared.tails, options.tailBytesMax ?? TAIL_BYTES_MAX);
    this.#reader = new LogReader(this.#shared, { config: () => this.#config, clock: this.#clock });
    const onFailed = (error: unknown): void => this.#fail(error);
    this.#remover = new SegmentRemover({
      folder,
      reader: this.#reader,
      clock: this.#clock,
      later: (work) => void this.#turns.run(work).catch(onFailed),
    });
    this.#writer = new LogWriter({
      shared: this.#shared,
      tail: this.#tail,
      prepare: (segment) => folder.prepare(segment),
      onWritten: (endOffset) => this.#onWritten(endOffset),
      onFailed,
      clock: this.#clock,
    });
    this.#syncer = new LogSyncer({
      folder,
      segments: () => this.#segments,
      writtenEnd: () => this.#ends.writtenEnd,
      onSynced: (endOffset) => this.#onSynced(endOffset),
      onFailed,
    });
    this.#schedule = new SyncSchedule(this.#clock, () => {
      if (!this.#turns.isCutting) this.#syncer.kick();
    });
    this.compaction = new LogCompaction(this.#asCompacted(), loaded);
  }

  #asCompacted(): CompactedLog {
    return {
      folder: this.#files,
      reader: this.#reader,
      turns: this.#turns,
      config: () => this.#config,
      segments: () => this.#segments,
      isClosed: () => this.#isClosed,
      rememberedOfProducers: () => this.#producers.oldestOffsets(),
      flush: () => this.flush(),
      replaced: (sources, next) => {
        this.#segments = this.#segments.toSpliced(this.#segments.indexOf(sources[0]!), sources.length, next);
        this.#reader.reset();
        this.#tail.forget(sources);
      },
      fail: (error) => this.#fail(error),
    };
  }

  /** First offset readers may ask for. */
  get logStart(): Offset {
    return this.#ends.logStart;
  }

  /**
   * The log start that a restart may begin with. What replaces hidden records may stand in the log itself, as in a log
   * of groups that was written anew: were that lost and the hiding not, nothing would be left.
   */
  get keptStart(): Offset {
    return this.#ends.keptStart;
  }

  /** Where a copy of this log begins: offset of the first record that is still there, hidden or not. ≤ `logStart`. */
  get copyStart(): Offset {
    return Math.min(this.#segments[0]!.baseOffset, this.logStart) as Offset;
  }

  /** Offset of the next record: everything below is appended, in memory at least. */
  get logEnd(): Offset {
    return this.#ends.logEnd;
  }

  /** Everything below is in the page cache: its `write` has returned. */
  get writtenEnd(): Offset {
    return this.#ends.writtenEnd;
  }

  /** Everything below is on the platter: its `fdatasync` has returned. */
  get syncedEnd(): Offset {
    return this.#ends.syncedEnd;
  }

  /** The log end that counts for acks: `syncedEnd` under flush.messages=1, else `writtenEnd`. Falls only by cuts. */
  get durableEnd(): Offset {
    return this.#ends.durableEnd;
  }

  /** Everything below is synced together with its index entries, leader epochs and producer state. */
  get recoveryPoint(): Offset {
    return this.#persistence.recoveryPoint;
  }

  /** Epoch of the newest record, −1 when there never was one. */
  get lastEpoch(): LeaderEpoch {
    return this.#ends.logEnd === 0 ? NO_EPOCH : this.#epochs.epochAt((this.#ends.logEnd - 1) as Offset);
  }

  get producers(): ProducerStates {
    return this.#producers;
  }

  /** Bytes of all segments. */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, segment) => sum + segment.sizeBytes, 0);
  }

  /** Bytes appended and not yet written: whoever appends without waiting for acks must bound this. */
  get unwrittenBytes(): number {
    return this.#tail.unwrittenBytes;
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  get #active(): Segment {
    return this.#segments.at(-1)!;
  }

  /** Puts another configuration in force, for what comes from now on. */
  configure(config: LogConfig): void {
    this.#config = config;
    this.#moveDurable();
    this.#syncIfDue();
  }

  /** Memory for the newest batches once written. 0 while nobody reads here, as from a follower. */
  setTailBytesMax(bytes: number): void {
    this.#tail.setBytesMax(bytes);
  }

  /**
   * Appends one validated batch: stamps offset and epoch in place and queues the write. Of less than 16 KiB the memory
   * is the caller's again; more the log may keep. The caller has checked leadership and producer sequence.
   */
  appendAsLeader(batch: Uint8Array, stamp: { leaderEpoch: LeaderEpoch; nowMs: number }): AppendedBatch {
    this.#beforeAppend();
    assert(stamp.leaderEpoch >= this.#epochs.latest, "no leader appends in an epoch that has passed");
    const baseOffset = this.#ends.logEnd;
    const lastOffset = (baseOffset + lastOffsetDeltaOf(batch, 0)) as Offset;
    stampPosition(batch, 0, { baseOffset, leaderEpoch: stamp.leaderEpoch });
    const isBrokerTime = this.#config.timestampType === "LogAppendTime";
    if (isBrokerTime) stampLogAppendTime(batch, 0, stamp.nowMs as TimestampMs);
    this.startEpoch(stamp.leaderEpoch);
    const place = { lastOffset, maxTimestampMs: maxTimestampOf(batch, 0), sizeBytes: batch.length };
    const limits = { limits: this.#config, nowMs: stamp.nowMs, pendingBytes: 0 };
    if (this.#active.mustRollFor(place, limits)) this.#roll();
    this.#tail.addOne(batch, { segment: this.#active, baseOffset, lastOffset });
    this.#active.note(place, this.#config.indexIntervalBytes);
    this.#producers.update(batch, 0, { lastOffset, nowMs: stamp.nowMs });
    this.#moveEnd((lastOffset + 1) as Offset);
    return { baseOffset, lastOffset, logAppendTimeMs: isBrokerTime ? stamp.nowMs : -1 };
  }

  /**
   * Appends whole batches from the leader, which the log may keep: they must continue at `logEnd`, carry offsets and
   * epochs, and have valid CRCs. Either all of `bytes` is appended or nothing.
   */
  appendAsFollower(bytes: Uint8Array): FollowerAppend {
    this.#beforeAppend();
    const fault = faultOfRun(bytes, { logEnd: this.#ends.logEnd, epoch: this.#epochs.latest });
    if (fault !== null) return fault;
    const nowMs = this.#clock.now();
    splitRuns(bytes, {
      mustRoll: (place, pendingBytes) => this.#active.mustRollFor(place, { limits: this.#config, nowMs, pendingBytes }),
      roll: () => this.#roll(),
      append: (run) => this.#appendRun(run, nowMs),
    });
    return { kind: "appended" };
  }

  /** Appends checked batches, all into the active segment. */
  #appendRun({ bytes, ends, lastOffsets }: Run, nowMs: number): void {
    const segment = this.#active;
    this.#tail.add(bytes, { segment, baseOffset: this.logEnd, ends, lastOffsets });
    let at = 0;
    for (const [index, end] of ends.entries()) {
      const lastOffset = lastOffsets[index]!;
      const epoch = leaderEpochOf(bytes, at);
      if (epoch > this.#epochs.latest) this.#assignEpoch(epoch, baseOffsetOf(bytes, at));
      segment.note(
        { lastOffset, maxTimestampMs: maxTimestampOf(bytes, at), sizeBytes: end - at },
        this.#config.indexIntervalBytes,
      );
      this.#producers.update(bytes, at, { lastOffset, nowMs });
      at = end;
    }
    this.#moveEnd((lastOffsets.at(-1)! + 1) as Offset);
  }

  #beforeAppend(): void {
    assert(!this.#isClosed && !this.#turns.isCutting, "a log is appended to only while open and not being cut");
    if (this.#isFirstTimestampKnown) return;
    this.#isFirstTimestampKnown = true;
    const segment = this.#active;
    this.#reader.firstTimestamp(segment).then(
      (timestampMs) => (segment.firstTimestampMs ??= timestampMs),
      (error: unknown) => this.#fail(error),
    );
  }

  #moveEnd(end: Offset): void {
    this.#ends.appended(end);
    this.#writer.kick();
  }

  /** Leaves the active segment and begins one at the log's end. Its sync follows behind. */
  #roll(): void {
    this.#active.seal();
    this.#segments.push(this.#files.newSegment(this.#ends.logEnd, this.#clock.now()));
    this.#turns.run(this.#flushOfNow()).catch((error: unknown) => this.#fail(error));
  }

  #onWritten(endOffset: Offset): void {
    this.#ends.written(endOffset);
    this.#writtenWaiters.reached(endOffset);
    this.#moveDurable();
    this.#syncIfDue();
  }

  #onSynced(endOffset: Offset): void {
    this.#ends.synced(endOffset);
    this.#moveDurable();
  }

  #moveDurable(): void {
    if (this.#ends.moveDurable({ mustSync: mustSync(this.#config) })) this.onDurable();
  }

  #syncIfDue(): void {
    if (!this.#turns.isCutting) this.#schedule.look(this.writtenEnd - this.syncedEnd, this.#config);
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return;
    this.#failure = error;
    this.#writtenWaiters.fail(error);
    this.#logger.error("storage failed", { folder: this.folder, error: String(error) });
    this.onFailure(error);
  }

  /** Notes that the leader's epoch `epoch` begins at the log's end, unless it has begun already. */
  startEpoch(epoch: LeaderEpoch): void {
    if (epoch > this.#epochs.latest) this.#assignEpoch(epoch, this.#ends.logEnd);
  }

  /**
   * Forgets epochs that began at the log's end and have no record yet. A leader that becomes a follower does so: its
   * successor may hold records there of an epoch before its own.
   */
  forgetEmptyEpochs(): void {
    if (this.#epochs.truncateFromEnd(this.#ends.logEnd)) this.#persistence.areEpochsDirty = true;
  }

  #assignEpoch(epoch: LeaderEpoch, start: Offset): void {
    if (this.#epochs.assign(epoch, start)) this.#persistence.areEpochsDirty = true;
  }

  /** Answer of OffsetForLeaderEpoch: the greatest epoch ≤ `epoch` and its end; (−1, −1) when unknown. */
  endOffsetFor(epoch: LeaderEpoch): EpochEnd {
    return this.#epochs.endOffsetFor(epoch, { logStart: this.copyStart, logEnd: this.#ends.logEnd });
  }

  /** Where `epoch` began; null when it is not known. */
  epochStart(epoch: LeaderEpoch): Offset | null {
    return this.#epochs.startOf(epoch);
  }

  /** Epoch of the record at `offset`; −1 when unknown. */
  epochAt(offset: Offset): LeaderEpoch {
    return this.#epochs.epochAt(offset);
  }

  /**
   * Whole batches from memory: the first holds `from` (without records it begins there), all lie below `endOffset`, at
   * least one however large. Empty when `from` ≥ `endOffset` or below `copyStart`; null when `from` is not in memory.
   */
  readTail(from: Offset, options: { endOffset: Offset; maxBytes: number }): Uint8Array[] | null {
    if (from < this.copyStart) return [];
    const views = this.#tail.read(from, options);
    return views === null ? null : beginningAt(views, from);
  }

  /**
   * As `readTail`, from disk if need be: then of one segment and up to 1 MiB.
   * @throws TidemarkError LOG_CORRUPT where a checksum is wrong
   */
  async read(from: Offset, options: { endOffset: Offset; maxBytes: number }): Promise<Uint8Array[]> {
    const inMemory = this.readTail(from, options);
    if (inMemory !== null) return inMemory;
    return await this.#turns.stable(async () => {
      const segment = segmentHolding(this.#segments, from);
      if (from < this.copyStart || from >= this.logEnd || segment === undefined) return [];
      return beginningAt(await this.#reader.read(segment, from, options), from);
    });
  }

  /**
   * Removes every record at and above `offset`, and with a batch that straddles it the whole batch: `logEnd` then says
   * where the log ends. Leader epochs, indexes and producer state go back with it. Where compaction has removed what
   * the records above had superseded, nothing is left to rely on: then the log is emptied.
   */
  async truncateTo(offset: Offset): Promise<void> {
    await this.#cut(async () => {
      if (offset >= this.#ends.logEnd) return;
      if (offset < this.compaction.supersededEnd) return await this.#startAt(0 as Offset);
      const index = this.#segments.findLastIndex((segment) => segment.baseOffset <= offset);
      const segment = this.#segments[index];
      if (segment === undefined) return await this.#startAt(offset);
      const end = await this.#reader.positionOf(segment, offset);
      await this.#persistence.announceCut(end.offset, this.logStart);
      await this.#removeFrom(index + 1);
      if (segment.isOnDisk) await this.#cutSegment(segment, end);
      await this.#cutState(end.offset);
    });
  }

  /** Empties the log; the next record is `offset`. */
  async resetTo(offset: Offset): Promise<void> {
    await this.#cut(() => this.#startAt(offset));
  }

  async #startAt(offset: Offset): Promise<void> {
    await this.#persistence.announceCut(Math.min(offset, this.#segments[0]!.baseOffset) as Offset, this.logStart);
    await this.#removeFrom(0);
    await this.#persistence.dropAllSnapshots();
    this.#epochs.clear();
    await this.#persistence.writeEpochs();
    const segment = this.#files.newSegment(offset, this.#clock.now());
    await this.#files.prepare(segment);
    await this.#files.syncEntries();
    await this.compaction.emptied();
    this.#segments = [segment];
    await this.#cutState(offset);
    this.#ends.restartAt(offset);
  }

  /** Runs `work` while nothing is written, synced or flushed. */
  async #cut(work: () => Promise<void>): Promise<void> {
    assert(!this.#isClosed, "a log is cut only while open");
    this.compaction.cutBegins();
    const idle = async (): Promise<void> => {
      await this.#writer.idle();
      await this.#syncer.idle();
    };
    await this.#turns.cut(idle, work).finally(() => this.#syncIfDue());
  }

  /** Removes segments, the last first, so that a crash leaves no hole. */
  async #removeFrom(index: number): Promise<void> {
    while (this.#segments.length > index) await this.#files.removeSegment(this.#segments.pop()!);
  }

  async #cutSegment(segment: Segment, end: { position: number; offset: Offset }): Promise<void> {
    await this.#shared.files.useExisting(segment.path, (file) => file.truncate(end.position));
    await segment.offsetIndex.truncateTo(end.offset);
    const last = await segment.timeIndex.truncateTo(end.offset);
    segment.cutBack({ sizeBytes: end.position, endOffset: end.offset });
    segment.maxTimestamp = await this.#reader.maxTimestampAfterCut(segment, last);
  }

  /** Takes everything that follows from the records back to `end`. */
  async #cutState(end: Offset): Promise<void> {
    this.#tail.clear();
    this.#reader.reset();
    if (this.#epochs.truncateFromEnd(end)) this.#persistence.areEpochsDirty = true;
    const current = { states: this.#producers, upTo: this.#ends.logEnd };
    this.#ends.cutTo(end);
    this.compaction.cutTo(end);
    await this.#persistence.dropSnapshotsAbove(end);
    this.#producers = await this.#persistence.rebuildProducers(current, this.#segments, this.#clock.now());
  }

  /** Hides everything below `offset` from readers; retention removes it. Never goes back, never beyond `logEnd`. */
  advanceLogStart(offset: Offset): void {
    this.#ends.hideBelow(offset);
  }

  /** The first record whose timestamp is at least `timestampMs`; null when there is none. Throws LOG_CORRUPT. */
  async offsetForTimestamp(timestampMs: TimestampMs): Promise<FoundOffset | null> {
    await this.#whenWritten(this.#ends.logEnd);
    return await this.#turns.stable(() =>
      this.#reader.offsetForTimestamp([...this.#segments], timestampMs, { from: this.logStart }),
    );
  }

  /** The first record with the greatest timestamp of all; null when the log is empty. Throws LOG_CORRUPT. */
  async offsetOfMaxTimestamp(): Promise<FoundOffset | null> {
    await this.#whenWritten(this.#ends.logEnd);
    return await this.#turns.stable(() =>
      this.#reader.offsetOfMaxTimestamp([...this.#segments], { from: this.logStart }),
    );
  }

  /** Removes the segments that retention.ms, retention.bytes or the log start let go. The count removed. */
  async applyRetention(options: {
    highWatermark: Offset;
    nowMs: number;
    producerIdExpirationMs?: number;
  }): Promise<number> {
    if (options.producerIdExpirationMs !== undefined) {
      this.#producers.expire({ nowMs: options.nowMs, expirationMs: options.producerIdExpirationMs });
    }
    return await this.#turns.run(() => this.#removeOld(options));
  }

  async #removeOld({ highWatermark, nowMs }: { highWatermark: Offset; nowMs: number }): Promise<number> {
    const { deletesOld, fileDeleteDelayMs } = this.#config;
    const { retentionMs, retentionBytes } = deletesOld ? this.#config : KEEPS_ALL;
    const limits = { retentionMs, retentionBytes, logStart: this.logStart, highWatermark, nowMs };
    const count = await this.#remover.countDeletable([...this.#segments], limits);
    if (count === 0 || this.#turns.isCutting || this.#isClosed) return 0;
    if (count === this.#segments.length) this.#roll();
    const leaving = this.#segments.slice(0, count);
    await this.#whenWritten(leaving.at(-1)!.endOffset);
    this.#segments = this.#segments.slice(count);
    this.#turns.removed();
    const start = this.#segments[0]!.baseOffset;
    this.advanceLogStart(start);
    if (this.#epochs.truncateFromStart(start)) this.#persistence.areEpochsDirty = true;
    await this.#remover.remove(leaving, fileDeleteDelayMs);
    await this.#persistence.dropSnapshotsBelow(start);
    return count;
  }

  /** Syncs everything appended by now, and moves the recovery point there. Rejects when the disk failed. */
  async flush(): Promise<void> {
    const isSynced = this.#persistence.isComplete(this.logEnd) && !this.#segments.some((one) => one.isUnsynced);
    if (isSynced) return this.#ends.keepStart(this.logStart);
    try {
      await this.#turns.run(this.#flushOfNow());
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  /** The work of syncing everything that is appended now, to be done when its turn comes. */
  #flushOfNow(): () => Promise<void> {
    const { logEnd: target, logStart } = this.#ends;
    const producers = this.#producers;
    const snapshot = encodeSnapshot(producers);
    return async () => {
      // Cut meanwhile, the log knows its producers anew; other records come to stand there, or none ever.
      if (producers !== this.#producers) return await this.#flushOfNow()();
      await this.#whenWritten(target);
      await this.#persistence.flushTo(target, { segments: [...this.#segments], snapshot });
      this.#onSynced(target);
      this.#ends.keepStart(logStart);
    };
  }

  /** Flushes, and lets go of everything. Appending is over. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#writer.idle();
    this.#isClosed = true;
    this.#schedule.stop();
    this.#remover.stop();
    await this.#syncer.idle();
    try {
      if (this.#failure === null) {
        this.#active.seal();
        await this.flush();
        await this.#turns.run(() => this.#active.syncIndexes());
      }
    } finally {
      await this.#releaseFiles();
    }
  }

  async #releaseFiles(): Promise<void> {
    if (this.#failure === null) this.#tail.clear();
    for (const segment of this.#segments) {
      await this.#shared.files.forget(segment.path);
      await this.#shared.files.forget(segment.offsetIndex.file.path);
      await this.#shared.files.forget(segment.timeIndex.file.path);
    }
  }

  async #whenWritten(offset: Offset): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#ends.writtenEnd < offset) await this.#writtenWaiters.wait(offset);
  }
}
