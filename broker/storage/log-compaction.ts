import { TidemarkError } from "../base/errors.ts";
import type { Offset } from "../base/ids.ts";
import type { SipKey } from "../base/sip-hash.ts";
import type { Compactor, RewriteResult, SourceSegment } from "../ports/compactor.ts";
import { cleanableCount, dirtyRatio, groupSegments, type PlannedSegment } from "./compaction-plan.ts";
import type { LogConfig } from "./log-config.ts";
import type { LogFolder } from "./log-folder.ts";
import type { LogReader } from "./log-reader.ts";
import type { LogTurns } from "./log-turns.ts";
import { Segment } from "./segment.ts";

/** What compaction asks of the log that it works on. */
export interface CompactedLog {
  readonly folder: LogFolder;
  readonly reader: LogReader;
  readonly turns: LogTurns;
  config(): LogConfig;
  /** As they are now, the active one last. */
  segments(): readonly Segment[];
  /** Nothing more may be done to it. */
  isClosed(): boolean;
  /** Of each producer id, the last offset of the oldest batch that is remembered. */
  rememberedOfProducers(): ReadonlyMap<number, Offset>;
  /** Syncs everything appended by now. */
  flush(): Promise<void>;
  /** `next` is in the place of `sources` now. */
  replaced(sources: readonly Segment[], next: Segment): void;
  /** Files are in an unknown state: the process must end. */
  fail(error: unknown): void;
}

/** How much a log is in need of compaction. */
export interface Dirtiness {
  /** Which part of what could be compacted never was: 0 to 1. */
  readonly ratio: number;
  /** Something has waited longer than `max.compaction.lag.ms`. */
  readonly isOverdue: boolean;
}

export interface CompactionRequest {
  readonly highWatermark: Offset;
  readonly nowMs: number;
  readonly keyBytesMax: number;
  readonly hashKey: SipKey;
  readonly bytesPerSecond: number;
}

/** What a run did. `overtaken`: the log was cut, closed or lost segments meanwhile, and the rest was dropped. */
export interface CompactionRun {
  readonly outcome: "done" | "overtaken";
  readonly readBytes: number;
  /** Of rewritten segments: what they had and what they have. */
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

interface Planned extends PlannedSegment {
  readonly segment: Segment;
}

/** The compaction of one log: what of it is clean, what must be, and how rewritten segments take their place. */
export class LogCompaction {
  readonly #log: CompactedLog;
  #cleanedEnd: Offset;
  #supersededEnd: Offset;
  #cuts = 0;

  constructor(log: CompactedLog, found: { readonly cleanedEnd: Offset; readonly supersededEnd: Offset }) {
    this.#log = log;
    this.#cleanedEnd = found.cleanedEnd;
    this.#supersededEnd = found.supersededEnd;
  }

  /** Below, each key's superseded records are gone, as far as newer ones stand below, too. */
  get cleanedEnd(): Offset {
    return this.#cleanedEnd;
  }

  /** Records below took the place of others that are gone: a log that has lost any of them has lost both. */
  get supersededEnd(): Offset {
    return this.#supersededEnd;
  }

  /** The log ends below records that have taken the place of others: of some keys it has neither. */
  get hasHole(): boolean {
    return this.#log.segments().at(-1)!.endOffset < this.#supersededEnd;
  }

  /** The log is being cut: a run under way is worthless. */
  cutBegins(): void {
    this.#cuts++;
  }

  /** The log ends at `end` now, the records before it as they were. */
  cutTo(end: Offset): void {
    if (end < this.#cleanedEnd) this.#cleanedEnd = end;
  }

  /** Every record is gone, for good. */
  async emptied(): Promise<void> {
    this.#cleanedEnd = 0 as Offset;
    if (this.#supersededEnd === 0) return;
    this.#supersededEnd = 0 as Offset;
    await this.#log.folder.removeSuperseded();
  }

  /** Null when nothing that could be compacted is dirty. Throws LOG_CORRUPT. */
  async dirtiness(now: { highWatermark: Offset; nowMs: number }): Promise<Dirtiness | null> {
    // In its turn: segments that are looked at stay where they are.
    return await this.#log.turns.run(async () => (this.#log.isClosed() ? null : await this.#dirtinessNow(now)));
  }

  async #dirtinessNow(now: { highWatermark: Offset; nowMs: number }): Promise<Dirtiness | null> {
    const cleanable = await this.#cleanable(now);
    const ratio = dirtyRatio(cleanable, this.#cleanedEnd);
    if (ratio === 0) return null;
    const { maxCompactionLagMs } = this.#log.config();
    const oldest = cleanable.find(({ endOffset, sizeBytes }) => endOffset > this.#cleanedEnd && sizeBytes > 0);
    const isLimited = maxCompactionLagMs < Number.MAX_SAFE_INTEGER && oldest !== undefined;
    const oldestMs = isLimited ? await this.#oldestTimestamp(oldest.segment) : -1;
    return { ratio, isOverdue: oldestMs >= 0 && now.nowMs - oldestMs > maxCompactionLagMs };
  }

  /** That of the first batch; where it has none, as one that was emptied, of the newest. −1: of no batch. */
  async #oldestTimestamp(segment: Segment): Promise<number> {
    const firstMs = (await this.#log.reader.firstTimestamp(segment)) ?? -1;
    return firstMs >= 0 ? firstMs : (await this.#log.reader.maxTimestamp(segment)).timestampMs;
  }

  /** The closed segments that may be compacted now. */
  async #cleanable(now: { highWatermark: Offset; nowMs: number }): Promise<Planned[]> {
    const { minCompactionLagMs: minLagMs } = this.#log.config();
    const closed: Planned[] = [];
    if (this.#log.isClosed()) return closed;
    for (const segment of this.#log.segments().slice(0, -1)) {
      const maxTimestampMs = minLagMs === 0 ? -1 : (await this.#log.reader.maxTimestamp(segment)).timestampMs;
      const { baseOffset, endOffset, sizeBytes } = segment;
      closed.push({ baseOffset, endOffset, sizeBytes, maxTimestampMs, segment });
    }
    return closed.slice(0, cleanableCount(closed, { ...now, minLagMs }));
  }

  /**
   * Compacts what may be compacted. Throws LOG_CORRUPT, DISK_FULL or DISK_FAILED when files cannot be read or written
   * anew, BAD_INPUT when there is no memory for the keys of one batch; the log is then as it was, or some segments are
   * clean already.
   */
  async run(compactor: Compactor, request: CompactionRequest): Promise<CompactionRun> {
    const run = new Run(this.#log, { compactor, request, isOvertaken: this.#overtaking() });
    try {
      const cleanable = await this.#log.turns.run(() => this.#cleanable(request));
      // What supersedes is on the platter before what it supersedes goes.
      await this.#log.flush();
      const keysEnd = await run.findKeys(cleanable, this.#cleanedEnd);
      const covered = cleanable.filter(({ baseOffset }) => baseOffset < keysEnd);
      for (const group of groupSegments(covered, this.#log.config().segmentBytes)) {
        await run.rewrite(group, async () => await this.#announce(keysEnd));
      }
      if (!run.isOvertaken()) this.#cleanedEnd = keysEnd;
    } catch (error) {
      // Files that go while they are read are no failure when it is known why they went.
      if (!run.isOvertaken()) throw error;
    } finally {
      compactor.release();
    }
    return run.result();
  }

  #overtaking(): () => boolean {
    const cuts = this.#cuts;
    return () => cuts !== this.#cuts || this.#log.isClosed();
  }

  async #announce(end: Offset): Promise<void> {
    if (end <= this.#supersededEnd) return;
    await this.#log.folder.writeSuperseded(end);
    this.#supersededEnd = end;
  }
}

const sourceOf = ({ baseOffset, endOffset, sizeBytes }: PlannedSegment): SourceSegment => ({
  baseOffset,
  endOffset,
  sizeBytes,
});

/** One run over one log. */
class Run {
  readonly #log: CompactedLog;
  readonly #compactor: Compactor;
  readonly #request: CompactionRequest;
  readonly #isCut: () => boolean;
  /** Segments that are still to be looked at or rewritten: should one go meanwhile, the plan is no good any more. */
  readonly #left = new Set<Segment>();
  #readBytes = 0;
  #bytesBefore = 0;
  #bytesAfter = 0;

  constructor(log: CompactedLog, by: { compactor: Compactor; request: CompactionRequest; isOvertaken: () => boolean }) {
    this.#log = log;
    this.#compactor = by.compactor;
    this.#request = by.request;
    this.#isCut = by.isOvertaken;
  }

  isOvertaken(): boolean {
    if (this.#isCut()) return true;
    const current = new Set(this.#log.segments());
    return [...this.#left].some((segment) => !current.has(segment));
  }

  result(): CompactionRun {
    const outcome = this.isOvertaken() ? "overtaken" : "done";
    return { outcome, readBytes: this.#readBytes, bytesBefore: this.#bytesBefore, bytesAfter: this.#bytesAfter };
  }

  /** Resolves to the offset below which the newest record of each key is known. */
  async findKeys(cleanable: readonly Planned[], from: Offset): Promise<Offset> {
    const { keyBytesMax, hashKey, bytesPerSecond } = this.#request;
    for (const { segment } of cleanable) this.#left.add(segment);
    const dirty = cleanable.filter(({ endOffset }) => endOffset > from);
    const found = await this.#compactor.findKeys({
      folder: this.#log.folder.path,
      sources: dirty.map(sourceOf),
      from,
      keyBytesMax,
      hashKey,
      bytesPerSecond,
    });
    this.#readBytes += found.readBytes;
    if (dirty.length > 0 && found.endOffset <= from) {
      throw new TidemarkError(
        "BAD_INPUT",
        `the batch at offset ${from} has more keys than log.cleaner.dedupe.buffer.size takes; raise it`,
      );
    }
    return found.endOffset;
  }

  /** Writes a group of segments anew and puts it in their place; `announce` before that can no longer be undone. */
  async rewrite(group: readonly Planned[], announce: () => Promise<void>): Promise<void> {
    if (this.isOvertaken()) return;
    const { deleteRetentionMs, indexIntervalBytes } = this.#log.config();
    const result = await this.#compactor.rewrite({
      folder: this.#log.folder.path,
      sources: group.map(sourceOf),
      nowMs: this.#request.nowMs,
      deleteRetentionMs,
      indexIntervalBytes,
      rememberedOfProducers: this.#log.rememberedOfProducers(),
    });
    this.#readBytes += result.readBytes;
    const sources = group.map(({ segment }) => segment);
    if (result.kind === "same") return this.#done(sources);
    const { folder, turns } = this.#log;
    const { baseOffset } = sources[0]!;
    await turns.run(async () => {
      if (this.isOvertaken()) return await folder.removeCleaned(baseOffset);
      await announce().catch(async (error: unknown) => {
        await folder.removeCleaned(baseOffset);
        throw error;
      });
      await this.#swap(sources, result);
      this.#done(sources);
    });
  }

  #done(sources: readonly Segment[]): void {
    for (const segment of sources) this.#left.delete(segment);
  }

  async #swap(sources: readonly Segment[], result: Extract<RewriteResult, { kind: "rewritten" }>): Promise<void> {
    const { folder, turns } = this.#log;
    try {
      await turns.swap(async () => {
        await folder.swapIn(sources[0]!.baseOffset, sources);
        this.#log.replaced(sources, this.#segmentOf(sources, result));
      });
    } catch (error) {
      this.#log.fail(error);
      throw error;
    }
    this.#bytesBefore += sources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    this.#bytesAfter += result.sizeBytes;
  }

  #segmentOf(sources: readonly Segment[], { sizeBytes, maxTimestamp }: Extract<RewriteResult, { kind: "rewritten" }>) {
    const { shared, path } = this.#log.folder;
    const segment = new Segment(shared, {
      folder: path,
      baseOffset: sources[0]!.baseOffset,
      endOffset: sources.at(-1)!.endOffset,
      isNew: false,
      nowMs: this.#request.nowMs,
    });
    segment.sizeBytes = sizeBytes;
    segment.writtenBytes = sizeBytes;
    segment.syncedBytes = sizeBytes;
    segment.maxTimestamp = maxTimestamp;
    return segment;
  }
}
