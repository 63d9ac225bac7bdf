import { assert } from "../base/assert.ts";
import type { Clock, Timer } from "../base/clock.ts";
import { type LeaderEpoch, NO_EPOCH, type Offset, type TimestampMs, type TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type { Disk } from "../ports/disk.ts";
import {
  baseOffsetOf,
  batchEnd,
  lastOffsetDeltaOf,
  lastOffsetOf,
  leaderEpochOf,
  maxTimestampOf,
  stampLogAppendTime,
  stampPosition,
} from "../wire/record-batch.ts";
import { faultOfRun, type FollowerAppend, type Run } from "./follower-run.ts";
import type { EpochEnd, LeaderEpochCache } from "./leader-epoch-cache.ts";
import type { LogConfig } from "./log-config.ts";
import { LogFolder } from "./log-folder.ts";
import { type FoundOffset, LogReader } from "./log-reader.ts";
import { type Checkpoint, type LoadedLog, type Recovery, recoverLog } from "./log-recovery.ts";
import { LogSyncer, syncSegment } from "./log-syncer.ts";
import { LogWriter } from "./log-writer.ts";
import { OffsetWaiters } from "./offset-waiters.ts";
import { producersAfterCut } from "./producer-rebuild.ts";
import { replayProducers } from "./producer-replay.ts";
import { encodeSnapshot } from "./producer-snapshot.ts";
import type { ProducerStates } from "./producer-state.ts";
import { deletableSegments } from "./retention.ts";
import { Segment } from "./segment.ts";
import { SharedStorage } from "./shared-storage.ts";
import { Tail } from "./tail.ts";

const TAIL_BYTES_MAX = 4 * 1024 * 1024;
/** Longer than any timer can run: such a time means never. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export interface OpenOptions {
  readonly disk: Disk;
  /** Folder of the partition below the data folder: `<topic>-<partition>`. Made when missing. */
  readonly folder: string;
  readonly topicId: TopicId;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: LogConfig;
  /** What the broker's checkpoint files say; null when they do not name this partition. */
  readonly checkpoint: Checkpoint | null;
  /** The clean-stop marker of the last incarnation was there: nothing is scanned. */
  readonly isCleanStart: boolean;
  /** Bounds shared by all logs of a broker; a private one when left out. */
  readonly shared?: SharedStorage;
  /** Memory for this log's newest batches once written. */
  readonly tailBytesMax?: number;
}

export type { FollowerAppend } from "./follower-run.ts";

export interface AppendedBatch {
  readonly baseOffset: Offset;
  readonly lastOffset: Offset;
  /** −1 with CreateTime. */
  readonly logAppendTimeMs: number;
}

/**
 * One partition's log: appended to in memory at once, written behind by group commit, synced when asked, recovered after
 * a crash. Appends are synchronous and never wait; whoever needs to know that they reached the disk listens to
 * `onDurable`. Nothing may be appended while `truncateTo`, `resetTo` or `close` runs.
 */
export class PartitionLog {
  readonly folder: string;
  readonly topicId: TopicId;
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
  readonly #reader: LogReader;
  readonly #epochs: LeaderEpochCache;
  readonly #removals = new Set<Timer>();
  #config: LogConfig;
  #producers: ProducerStates;
  #segments: Segment[];
  #snapshots: Offset[];
  #logStart: Offset;
  #logEnd: Offset;
  #writtenEnd: Offset;
  #syncedEnd: Offset;
  #durableEnd: Offset;
  #recoveryPoint: Offset;
  #cutUntil: Offset | null;
  #areEpochsDirty: boolean;
  #isFirstTimestampKnown: boolean;
  /** +1 whenever records at the end go: what a reader found before is then worthless. */
  #generation = 0;
  #isCutting = false;
  #isClosed = false;
  #failure: unknown = null;
  #flushTimer: Timer | null = null;
  /** Work on files that must not overlap: flushes, cuts, retention. */
  #turn: Promise<unknown> = Promise.resolve();
  readonly #writtenWaiters = new OffsetWaiters();

  /**
   * Opens or makes a partition's log, recovering it first. Throws TidemarkError LOG_CORRUPT when the folder belongs to
   * another topic, DISK_FULL or DISK_FAILED when the disk does not do its part.
   */
  static async open(options: OpenOptions): Promise<{ log: PartitionLog; recovery: Recovery }> {
    const shared = options.shared ?? new SharedStorage(options.disk);
    const folder = new LogFolder(shared, { path: options.folder, topicId: options.topicId });
    const loaded = await recoverLog({ ...options, folder });
    const log = new PartitionLog(options, { folder, loaded });
    if (options.config.flushMessages === 1 && log.#recoveryPoint < log.#logEnd) await log.flush();
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
    this.#snapshots = loaded.snapshots;
    this.#epochs = loaded.epochs;
    this.#producers = loaded.producers;
    this.#logStart = loaded.logStart;
    this.#logEnd = this.#active.endOffset;
    this.#writtenEnd = this.#logEnd;
    this.#recoveryPoint = loaded.recoveryPoint;
    this.#syncedEnd = loaded.recoveryPoint;
    this.#durableEnd = options.config.flushMessages === 1 ? this.#syncedEnd : this.#writtenEnd;
    this.#cutUntil = loaded.cutUntil;
    this.#areEpochsDirty = loaded.areEpochsDirty;
    this.#isFirstTimestampKnown = this.#active.isEmpty || this.#active.firstTimestampMs !== null;
    this.#tail = new Tail(this.#shared.tails, options.tailBytesMax ?? TAIL_BYTES_MAX);
    this.#reader = new LogReader(this.#shared, () => this.#config.indexIntervalBytes);
    const onFailed = (error: unknown): void => this.#fail(error);
    this.#writer = new LogWriter({
      shared: this.#shared,
      tail: this.#tail,
      prepare: (segment) => folder.prepare(segment),
      onWritten: (endOffset) => this.#onWritten(endOffset),
      onFailed,
      soon: (fn) => this.#clock.soon(fn),
    });
    this.#syncer = new LogSyncer({
      folder,
      segments: () => this.#segments,
      writtenEnd: () => this.#writtenEnd,
      onSynced: (endOffset) => this.#onSynced(endOffset),
      onFailed,
    });
  }

  /** First offset readers may ask for. */
  get logStart(): Offset {
    return this.#logStart;
  }

  /** Offset of the next record: everything below is appended, in memory at least. */
  get logEnd(): Offset {
    return this.#logEnd;
  }

  /** Everything below is in the page cache: its `write` has returned. */
  get writtenEnd(): Offset {
    return this.#writtenEnd;
  }

  /** Everything below is on the platter: its `fdatasync` has returned. */
  get syncedEnd(): Offset {
    return this.#syncedEnd;
  }

  /** The log end that counts for acks: `syncedEnd` under flush.messages=1, else `writtenEnd`. Falls only by cuts. */
  get durableEnd(): Offset {
    return this.#durableEnd;
  }

  /** Everything below is synced together with its index entries, leader epochs and producer state. */
  get recoveryPoint(): Offset {
    return this.#recoveryPoint;
  }

  /** Epoch of the newest record, −1 when there never was one. */
  get lastEpoch(): LeaderEpoch {
    return this.#logEnd === 0 ? NO_EPOCH : this.#epochs.epochAt((this.#logEnd - 1) as Offset);
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

  get config(): LogConfig {
    return this.#config;
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
   * Appends one validated batch, which the log may keep: stamps offset and epoch in place and queues the write. The
   * caller has checked leadership and producer sequence.
   */
  appendAsLeader(batch: Uint8Array, stamp: { leaderEpoch: LeaderEpoch; nowMs: number }): AppendedBatch {
    this.#beforeAppend();
    assert(stamp.leaderEpoch >= this.#epochs.latest, "no leader appends in an epoch that has passed");
    const baseOffset = this.#logEnd;
    const lastOffset = (baseOffset + lastOffsetDeltaOf(batch, 0)) as Offset;
    stampPosition(batch, 0, { baseOffset, leaderEpoch: stamp.leaderEpoch });
    const isBrokerTime = this.#config.timestampType === "LogAppendTime";
    if (isBrokerTime) stampLogAppendTime(batch, 0, stamp.nowMs as TimestampMs);
    this.startEpoch(stamp.leaderEpoch);
    const place = { lastOffset, maxTimestampMs: maxTimestampOf(batch, 0), sizeBytes: batch.length };
    const limits = { limits: this.#config, nowMs: stamp.nowMs, pendingBytes: 0 };
    if (this.#active.mustRollFor(place, limits)) this.#roll();
    this.#tail.add(batch, { segment: this.#active, baseOffset, lastOffset });
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
    const fault = faultOfRun(bytes, { logEnd: this.#logEnd, epoch: this.#epochs.latest });
    if (fault !== null) return fault;
    const nowMs = this.#clock.now();
    let run: Run = { start: 0, ends: [], lastOffsets: [] };
    for (let at = 0; at < bytes.length; ) {
      const end = batchEnd(bytes, at, bytes.length);
      const lastOffset = lastOffsetOf(bytes, at);
      const place = { lastOffset, maxTimestampMs: maxTimestampOf(bytes, at), sizeBytes: end - at };
      if (this.#active.mustRollFor(place, { limits: this.#config, nowMs, pendingBytes: at - run.start })) {
        this.#appendRun(bytes, run, nowMs);
        this.#roll();
        run = { start: at, ends: [], lastOffsets: [] };
      }
      run.ends.push(end);
      run.lastOffsets.push(lastOffset);
      at = end;
    }
    this.#appendRun(bytes, run, nowMs);
    return { kind: "appended" };
  }

  /** Appends checked batches of `bytes`, all into the active segment. */
  #appendRun(bytes: Uint8Array, run: Run, nowMs: number): void {
    const length = run.ends.length;
    if (length === 0) return;
    const part = bytes.subarray(run.start, run.ends[length - 1]);
    const ends = run.start === 0 ? run.ends : run.ends.map((end) => end - run.start);
    const { lastOffsets } = run;
    const segment = this.#active;
    if (length === 1) this.#tail.add(part, { segment, baseOffset: this.#logEnd, lastOffset: lastOffsets[0]! });
    else this.#tail.addRun(part, { segment, baseOffset: this.#logEnd, ends, lastOffsets });
    let at = 0;
    for (const [index, end] of ends.entries()) {
      const lastOffset = lastOffsets[index]!;
      const epoch = leaderEpochOf(part, at);
      if (epoch > this.#epochs.latest) this.#assignEpoch(epoch, baseOffsetOf(part, at));
      segment.note(
        { lastOffset, maxTimestampMs: maxTimestampOf(part, at), sizeBytes: end - at },
        this.#config.indexIntervalBytes,
      );
      this.#producers.update(part, at, { lastOffset, nowMs });
      at = end;
    }
    this.#moveEnd((lastOffsets[length - 1]! + 1) as Offset);
  }

  #beforeAppend(): void {
    assert(!this.#isClosed && !this.#isCutting, "a log is appended to only while open and not being cut");
    if (this.#isFirstTimestampKnown) return;
    this.#isFirstTimestampKnown = true;
    const segment = this.#active;
    this.#reader.firstTimestamp(segment).then(
      (timestampMs) => (segment.firstTimestampMs ??= timestampMs),
      (error: unknown) => this.#fail(error),
    );
  }

  #moveEnd(end: Offset): void {
    this.#logEnd = end;
    this.#writer.kick();
  }

  /** Leaves the active segment and begins one at the log's end. Its sync follows behind. */
  #roll(): void {
    this.#active.seal();
    this.#segments.push(this.#newSegment(this.#logEnd));
    const target = this.#logEnd;
    const snapshot = encodeSnapshot(this.#producers);
    this.#inTurn(() => this.#flushTo(target, snapshot)).catch((error: unknown) => this.#fail(error));
  }

  #newSegment(baseOffset: Offset): Segment {
    const { path: folder } = this.#files;
    return new Segment(this.#shared, {
      folder,
      baseOffset,
      endOffset: baseOffset,
      isNew: true,
      nowMs: this.#clock.now(),
    });
  }

  #onWritten(endOffset: Offset): void {
    this.#writtenEnd = endOffset;
    this.#writtenWaiters.reached(endOffset);
    this.#moveDurable();
    this.#syncIfDue();
  }

  #onSynced(endOffset: Offset): void {
    if (endOffset <= this.#syncedEnd) return;
    this.#syncedEnd = endOffset;
    this.#moveDurable();
  }

  #moveDurable(): void {
    const end = this.#config.flushMessages === 1 ? this.#syncedEnd : this.#writtenEnd;
    if (end <= this.#durableEnd) return;
    this.#durableEnd = end;
    this.onDurable();
  }

  #syncIfDue(): void {
    const unsynced = this.#writtenEnd - this.#syncedEnd;
    if (unsynced === 0) return;
    if (unsynced >= this.#config.flushMessages) return this.#syncer.kick();
    const { flushMs } = this.#config;
    if (flushMs < 0 || flushMs > TIMER_MS_MAX || this.#flushTimer !== null || this.#isClosed) return;
    this.#flushTimer = this.#clock.after(flushMs, () => {
      this.#flushTimer = null;
      this.#syncer.kick();
    });
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
    if (epoch > this.#epochs.latest) this.#assignEpoch(epoch, this.#logEnd);
  }

  /**
   * Forgets epochs that began at the log's end and have no record yet. A leader that becomes a follower does so: its
   * successor may hold records there of an epoch before its own.
   */
  forgetEmptyEpochs(): void {
    if (this.#epochs.truncateFromEnd(this.#logEnd)) this.#areEpochsDirty = true;
  }

  #assignEpoch(epoch: LeaderEpoch, start: Offset): void {
    if (this.#epochs.assign(epoch, start)) this.#areEpochsDirty = true;
  }

  /** Answer of OffsetForLeaderEpoch: the greatest epoch ≤ `epoch` and its end; (−1, −1) when unknown. */
  endOffsetFor(epoch: LeaderEpoch): EpochEnd {
    return this.#epochs.endOffsetFor(epoch, { logStart: this.#logStart, logEnd: this.#logEnd });
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
   * Whole batches from memory: the first holds `from`, all lie below `endOffset`, at least one however large. Empty when
   * `from` ≥ `endOffset`; null when `from` is no longer in memory. Views stay valid for ever.
   */
  readTail(from: Offset, options: { endOffset: Offset; maxBytes: number }): Uint8Array[] | null {
    return this.#tail.read(from, options);
  }

  /**
   * As `readTail`, from disk if need be: then of one segment and up to 1 MiB. `from` must be ≥ `logStart`; the answer is
   * empty when it no longer is. Throws TidemarkError LOG_CORRUPT where a checksum is wrong.
   */
  async read(from: Offset, options: { endOffset: Offset; maxBytes: number }): Promise<Uint8Array[]> {
    for (;;) {
      const inMemory = this.readTail(from, options);
      if (inMemory !== null) return inMemory;
      const segment = this.#segmentOf(from);
      if (from < this.#logStart || from >= this.#logEnd || segment === undefined) return [];
      const generation = this.#generation;
      try {
        const views = await this.#reader.read(segment, from, options);
        if (generation === this.#generation) return views;
      } catch (error) {
        if (generation === this.#generation && this.#segments.includes(segment)) throw error;
      }
      if (this.#isCutting) await this.#turn.catch(() => undefined);
    }
  }

  /** The segment that holds `offset`; undefined when it lies below all. */
  #segmentOf(offset: Offset): Segment | undefined {
    let low = 0;
    let high = this.#segments.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      if (this.#segments[middle]!.baseOffset <= offset) low = middle + 1;
      else high = middle - 1;
    }
    return this.#segments[high];
  }

  /**
   * Removes every record at and above `offset`, and with a batch that straddles it the whole batch. Leader epochs,
   * indexes and producer state go back with it.
   */
  async truncateTo(offset: Offset): Promise<void> {
    await this.#cut(async () => {
      if (offset >= this.#logEnd) return;
      const index = this.#segments.findLastIndex((segment) => segment.baseOffset <= offset);
      const segment = this.#segments[index];
      if (segment === undefined) return await this.#startAt(offset);
      const isWhole = !segment.isOnDisk;
      const end = isWhole
        ? { position: 0, offset: segment.baseOffset }
        : await this.#reader.positionOf(segment, offset);
      await this.#announceCut(end.offset);
      await this.#removeFrom(index + 1);
      if (!isWhole) await this.#cutSegment(segment, end);
      await this.#cutState(end.offset);
    });
  }

  /** Empties the log; the next record is `offset`. */
  async resetTo(offset: Offset): Promise<void> {
    await this.#cut(() => this.#startAt(offset));
  }

  async #startAt(offset: Offset): Promise<void> {
    await this.#announceCut(Math.min(offset, this.#segments[0]!.baseOffset) as Offset);
    await this.#removeFrom(0);
    while (this.#snapshots.length > 0) await this.#files.removeSnapshot(this.#snapshots.pop()!);
    const segment = this.#newSegment(offset);
    await this.#files.prepare(segment);
    await this.#shared.files.use(segment.path, { create: true }, async () => undefined);
    await this.#files.syncEntries();
    this.#segments = [segment];
    this.#epochs.clear();
    this.#logStart = offset;
    await this.#cutState(offset);
  }

  /** Runs `work` while nothing is written, synced or flushed. */
  async #cut(work: () => Promise<void>): Promise<void> {
    assert(!this.#isCutting && !this.#isClosed, "a log is cut by one at a time");
    this.#isCutting = true;
    this.#generation++;
    try {
      await this.#writer.idle();
      await this.#syncer.idle();
      await this.#inTurn(work);
    } finally {
      this.#generation++;
      this.#isCutting = false;
    }
  }

  /** Before records below the recovery point go: others will stand there, and no checkpoint may vouch for them. */
  async #announceCut(end: Offset): Promise<void> {
    if (end >= this.#recoveryPoint) return;
    const until = Math.max(this.#recoveryPoint, this.#cutUntil ?? 0) as Offset;
    await this.#files.writeCut({ cutAt: end, until });
    this.#cutUntil = until;
    this.#recoveryPoint = end;
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
    if (this.#epochs.truncateFromEnd(end)) this.#areEpochsDirty = true;
    const current = { states: this.#producers, upTo: this.#logEnd };
    this.#logEnd = end;
    this.#logStart = Math.min(this.#logStart, end) as Offset;
    this.#writtenEnd = end;
    this.#syncedEnd = Math.min(this.#syncedEnd, end) as Offset;
    this.#durableEnd = Math.min(this.#durableEnd, end) as Offset;
    this.#recoveryPoint = Math.min(this.#recoveryPoint, end) as Offset;
    while (this.#snapshots.length > 0 && this.#snapshots.at(-1)! > end) {
      await this.#files.removeSnapshot(this.#snapshots.pop()!);
    }
    this.#producers = await this.#rebuildProducers(current);
  }

  async #rebuildProducers(current: { states: ProducerStates; upTo: Offset }): Promise<ProducerStates> {
    const nowMs = this.#clock.now();
    const segments = this.#segments;
    let snapshot = null;
    for (const at of this.#snapshots.toReversed()) {
      const states = at < segments[0]!.baseOffset ? null : await this.#files.readSnapshot(at, nowMs);
      if (states === null) continue;
      snapshot = { states, upTo: at };
      break;
    }
    const known = producersAfterCut({ current, snapshot, logStart: segments[0]!.baseOffset });
    await replayProducers(this.#shared, { segments, known, nowMs });
    return known.states;
  }

  /** Hides everything below `offset` from readers; retention removes it. Never goes back, never beyond `logEnd`. */
  advanceLogStart(offset: Offset): void {
    this.#logStart = Math.max(this.#logStart, Math.min(offset, this.#logEnd)) as Offset;
  }

  /** The first record whose timestamp is at least `timestampMs`; null when there is none. Throws LOG_CORRUPT. */
  async offsetForTimestamp(timestampMs: TimestampMs): Promise<FoundOffset | null> {
    await this.#whenWritten(this.#logEnd);
    return await this.#reader.offsetForTimestamp([...this.#segments], timestampMs, { from: this.#logStart });
  }

  /** The first record with the greatest timestamp of all; null when the log is empty. Throws LOG_CORRUPT. */
  async offsetOfMaxTimestamp(): Promise<FoundOffset | null> {
    await this.#whenWritten(this.#logEnd);
    return await this.#reader.offsetOfMaxTimestamp([...this.#segments], { from: this.#logStart });
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
    return await this.#inTurn(() => this.#removeOld(options));
  }

  async #removeOld({ highWatermark, nowMs }: { highWatermark: Offset; nowMs: number }): Promise<number> {
    const { retentionMs, retentionBytes } = this.#config;
    const summaries = [];
    for (const segment of [...this.#segments]) {
      const maxTimestampMs = retentionMs < 0 ? -1 : (await this.#reader.maxTimestamp(segment)).timestampMs;
      summaries.push({ sizeBytes: segment.sizeBytes, maxTimestampMs, endOffset: segment.endOffset });
    }
    const limits = { retentionMs, retentionBytes, logStart: this.#logStart, highWatermark, nowMs };
    const count = deletableSegments(summaries, limits);
    if (count === 0 || this.#isCutting || this.#isClosed) return 0;
    if (count === this.#segments.length) this.#roll();
    const leaving = this.#segments.slice(0, count);
    await this.#whenWritten(leaving.at(-1)!.endOffset);
    this.#segments = this.#segments.slice(count);
    const start = this.#segments[0]!.baseOffset;
    this.advanceLogStart(start);
    if (this.#epochs.truncateFromStart(start)) this.#areEpochsDirty = true;
    for (const segment of leaving) this.#removeLater(await this.#files.renameSegment(segment));
    while (this.#snapshots.length > 0 && this.#snapshots[0]! < start) {
      await this.#files.removeSnapshot(this.#snapshots.shift()!);
    }
    return count;
  }

  #removeLater(remove: () => Promise<void>): void {
    const timer = this.#clock.after(Math.min(this.#config.fileDeleteDelayMs, TIMER_MS_MAX), () => {
      this.#removals.delete(timer);
      this.#inTurn(remove).catch((error: unknown) => this.#fail(error));
    });
    this.#removals.add(timer);
  }

  /** Syncs everything appended by now, and moves the recovery point there. Rejects when the disk failed. */
  async flush(): Promise<void> {
    const target = this.#logEnd;
    if (target <= this.#recoveryPoint && !this.#areEpochsDirty) return;
    const snapshot = encodeSnapshot(this.#producers);
    try {
      await this.#inTurn(() => this.#flushTo(target, snapshot));
    } catch (error) {
      this.#fail(error);
      throw error;
    }
  }

  async #flushTo(target: Offset, snapshot: Uint8Array): Promise<void> {
    await this.#whenWritten(target);
    if (target > this.#recoveryPoint) {
      for (const segment of [...this.#segments]) {
        if (segment.baseOffset >= target || !segment.isOnDisk) continue;
        await syncSegment(this.#shared, segment);
        await segment.syncIndexes();
      }
      await this.#files.writeSnapshot(target, snapshot);
      if (this.#snapshots.at(-1) !== target) this.#snapshots.push(target);
    }
    if (this.#areEpochsDirty) {
      this.#areEpochsDirty = false;
      await this.#files.writeEpochs(this.#epochs);
    }
    await this.#files.syncEntries();
    if (target <= this.#recoveryPoint) return;
    this.#recoveryPoint = target;
    this.#onSynced(target);
    await this.#tidyAfterFlush(target);
  }

  async #tidyAfterFlush(target: Offset): Promise<void> {
    if (this.#cutUntil !== null && target >= this.#cutUntil) {
      this.#cutUntil = null;
      await this.#files.removeCut();
    }
    const bases = new Set(this.#segments.map((segment) => segment.baseOffset));
    const stale = this.#snapshots.filter((at) => at < target && !bases.has(at));
    this.#snapshots = this.#snapshots.filter((at) => !stale.includes(at));
    for (const at of stale) await this.#files.removeSnapshot(at);
  }

  /** Flushes, and lets go of everything. Appending is over. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    await this.#writer.idle();
    this.#isClosed = true;
    this.#flushTimer?.cancel();
    for (const timer of this.#removals) timer.cancel();
    await this.#syncer.idle();
    try {
      if (this.#failure === null) {
        this.#active.seal();
        await this.flush();
        await this.#inTurn(() => this.#active.syncIndexes());
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

  /** Runs `work` when all that was asked before is done. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      if (this.#failure !== null) throw this.#failure;
      return await work();
    });
    this.#turn = result.catch(() => undefined); // whoever asked is told
    return result;
  }

  async #whenWritten(offset: Offset): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    if (this.#writtenEnd < offset) await this.#writtenWaiters.wait(offset);
  }
}
