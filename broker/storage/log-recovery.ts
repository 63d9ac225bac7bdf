import type { Clock } from "../base/clock.ts";
import { NO_EPOCH, type Offset, offset } from "../base/ids.ts";
import { baseOffsetOf, hasValidCrc, lastOffsetOf, leaderEpochOf, maxTimestampOf } from "../wire/record-batch.ts";
import { type ScanEnd, scanBatches } from "./batch-scan.ts";
import {
  CUT_NAME,
  DAMAGE_NAME,
  DELETED_SUFFIX,
  offsetOfName,
  SUPERSEDED_NAME,
  TEMPORARY_SUFFIX,
} from "./file-names.ts";
import { LeaderEpochCache } from "./leader-epoch-cache.ts";
import type { LogConfig } from "./log-config.ts";
import type { Cut, LogFolder } from "./log-folder.ts";
import type { KnownProducers } from "./producer-rebuild.ts";
import { replayProducers } from "./producer-replay.ts";
import { ProducerStates } from "./producer-state.ts";
import { noTimestamp, Segment } from "./segment.ts";
import { finishSwaps } from "./swap-recovery.ts";

/** What the broker's checkpoint files say of a partition. */
export interface Checkpoint {
  readonly recoveryPoint: Offset;
  readonly logStart: Offset;
  /** A log that ends below it has lost records that were committed. */
  readonly highWatermark?: Offset;
  /** See LogCompaction.cleanedEnd. */
  readonly cleanedEnd?: Offset;
}

export interface RecoveryOptions {
  readonly folder: LogFolder;
  readonly clock: Clock;
  readonly config: LogConfig;
  readonly checkpoint: Checkpoint | null;
  readonly isCleanStart: boolean;
}

/** What recovery found and did. */
export interface Recovery {
  /** Bytes of log removed at the end. */
  readonly cutBytes: number;
  /** More than an incomplete last write was cut, or synced or committed records are missing. */
  readonly isDamaged: boolean;
  /** Bytes of log read. 0 after a clean stop. */
  readonly scannedBytes: number;
}

/** A log's state in memory, rebuilt. */
export interface LoadedLog {
  /** At least one; the last is the active one. */
  readonly segments: Segment[];
  readonly epochs: LeaderEpochCache;
  readonly producers: ProducerStates;
  /** Offsets of the snapshot files, rising. */
  readonly snapshots: Offset[];
  readonly logStart: Offset;
  readonly recoveryPoint: Offset;
  /** Whether `epochs` are other than what the folder's checkpoint says. */
  readonly areEpochsDirty: boolean;
  /** Until everything below this is synced again, the folder says that the broker's checkpoint is wrong. */
  readonly cutUntil: Offset | null;
  /** See LogCompaction. */
  readonly cleanedEnd: Offset;
  readonly supersededEnd: Offset;
  readonly recovery: Recovery;
}

/**
 * Brings a log back: everything below the recovery point is trusted, everything above is read and verified, and at the
 * first batch that is not what it should be the log ends. Only then is anything appended.
 */
export async function recoverLog(options: RecoveryOptions): Promise<LoadedLog> {
  return await new LogRecovery(options).run();
}

class LogRecovery {
  readonly #options: RecoveryOptions;
  readonly #folder: LogFolder;
  #segments: Segment[] = [];
  #snapshots: Offset[] = [];
  #epochs = new LeaderEpochCache();
  /** Producer state as far as it was read. */
  #known: KnownProducers = { states: new ProducerStates(), upTo: offset(0) };
  /** Whether verification has begun: from there on it notes producers itself. */
  #hasScanned = false;
  #hasCutFile = false;
  #supersededEnd = offset(0);
  #cut: Cut | null = null;
  #cutBytes = 0;
  #scannedBytes = 0;
  #isDamaged = false;
  #isDamageMarked = false;

  constructor(options: RecoveryOptions) {
    this.#options = options;
    this.#folder = options.folder;
  }

  async run(): Promise<LoadedLog> {
    await this.#loadFiles(await finishSwaps(this.#folder, await this.#folder.open()));
    const isClean = this.#isCleanlyStopped();
    if (!isClean && this.#hasCutFile) this.#cut = await this.#folder.readCut();
    const trusted = this.#trustedEnd();
    const epochs = await this.#folder.readEpochs();
    const stored = epochs?.encode() ?? new LeaderEpochCache().encode();
    if (epochs !== null) this.#epochs = epochs;
    this.#known = await this.#newestSnapshot(trusted);
    const isEmpty = this.#segments.every((segment) => segment.isEmpty);
    const isReady = isClean && (epochs !== null || isEmpty) && (await this.#openActive(trusted));
    if (!isReady) await this.#scanFrom(epochs === null ? this.#segments[0]!.baseOffset : trusted);
    const logEnd = this.#segments.at(-1)!.endOffset;
    const logStart = this.#logStart(logEnd);
    this.#epochs.truncateFromEnd(logEnd);
    // What is hidden below the log start is copied to others all the same.
    this.#epochs.truncateFromStart(this.#segments[0]!.baseOffset);
    const promised = Math.max(trusted, this.#options.checkpoint?.highWatermark ?? 0, this.#supersededEnd);
    if (logEnd < promised) await this.#noteDamage();
    const recoveryPoint = Math.min(trusted, logEnd) as Offset;
    const cutUntil = await this.#rememberCut(recoveryPoint, { isClean });
    return {
      cutUntil,
      cleanedEnd: this.#cleanedEnd(recoveryPoint),
      supersededEnd: this.#supersededEnd,
      areEpochsDirty: Buffer.compare(stored, this.#epochs.encode()) !== 0,
      segments: this.#segments,
      epochs: this.#epochs,
      producers: await this.#producers(recoveryPoint),
      snapshots: this.#snapshots,
      logStart,
      recoveryPoint,
      recovery: { cutBytes: this.#cutBytes, isDamaged: this.#isDamaged, scannedBytes: this.#scannedBytes },
    };
  }

  #isCleanlyStopped(): boolean {
    const { checkpoint, isCleanStart } = this.#options;
    return isCleanStart && checkpoint !== null && checkpoint.recoveryPoint >= this.#segments.at(-1)!.baseOffset;
  }

  async #loadFiles(names: readonly string[]): Promise<void> {
    const present = new Set(names);
    this.#hasCutFile = present.has(CUT_NAME);
    if (present.has(SUPERSEDED_NAME)) this.#supersededEnd = await this.#folder.readSuperseded();
    // An earlier start found it and died before it could tell.
    this.#isDamageMarked = present.has(DAMAGE_NAME);
    this.#isDamaged = this.#isDamageMarked;
    for (const name of names) {
      const indexOf = offsetOfName(name, ".index") ?? offsetOfName(name, ".timeindex");
      const isOrphan = indexOf !== null && !present.has(`${name.slice(0, name.indexOf("."))}.log`);
      if (isOrphan || name.endsWith(DELETED_SUFFIX) || name.endsWith(TEMPORARY_SUFFIX)) await this.#folder.remove(name);
      const base = offsetOfName(name, ".log");
      if (base !== null) this.#segments.push(await this.#segmentAt(base));
      const snapshot = offsetOfName(name, ".snapshot");
      if (snapshot !== null) this.#snapshots.push(snapshot);
    }
    this.#segments.sort((one, other) => one.baseOffset - other.baseOffset);
    this.#snapshots.sort((one, other) => one - other);
    this.#segments.forEach((segment, index) => {
      segment.endOffset = this.#segments[index + 1]?.baseOffset ?? segment.endOffset;
    });
    if (this.#segments.length === 0) {
      this.#segments.push(this.#newSegment(this.#options.checkpoint?.logStart ?? offset(0), { isNew: true }));
    }
  }

  #newSegment(baseOffset: Offset, { isNew }: { isNew: boolean }): Segment {
    const { shared, path: folder } = this.#folder;
    return new Segment(shared, { folder, baseOffset, endOffset: baseOffset, isNew, nowMs: this.#options.clock.now() });
  }

  async #segmentAt(base: Offset): Promise<Segment> {
    const { files } = this.#folder.shared;
    const segment = this.#newSegment(base, { isNew: false });
    const sizeBytes = await files.useExisting(segment.path, async (file) => file.sizeBytes);
    await files.forget(segment.path);
    segment.sizeBytes = sizeBytes;
    segment.writtenBytes = sizeBytes;
    segment.syncedBytes = sizeBytes;
    return segment;
  }

  /** Below this everything was synced, whatever happened since. */
  #trustedEnd(): Offset {
    const checkpointed = this.#options.checkpoint?.recoveryPoint ?? offset(0);
    return Math.min(checkpointed, this.#cut?.cutAt ?? checkpointed) as Offset;
  }

  /**
   * After a clean stop: the log ends at the recovery point, and its last index entries are all there is to read. False
   * when they are not there.
   */
  async #openActive(logEnd: Offset): Promise<boolean> {
    const active = this.#segments.at(-1)!;
    active.endOffset = logEnd;
    if (!active.isOnDisk) return true;
    await active.offsetIndex.file.loadLast();
    const newest = await active.timeIndex.loadLast();
    if (newest === null && !active.isEmpty) return false;
    active.maxTimestamp = newest ?? noTimestamp(active.baseOffset);
    await this.#folder.shared.files.forget(active.offsetIndex.file.path);
    await this.#folder.shared.files.forget(active.timeIndex.file.path);
    return true;
  }

  async #scanFrom(trusted: Offset): Promise<void> {
    // The segment that ends at the recovery point may lack the last entry of its time index: that comes with the next.
    let first = this.#segments.findLastIndex((segment) => segment.baseOffset < trusted);
    if (first < 0) first = 0;
    for (let index = first; index < this.#segments.length; index++) {
      const segment = this.#segments[index]!;
      const previous = this.#segments[index - 1];
      if (index > first && previous !== undefined && previous.endOffset !== segment.baseOffset) {
        if (!this.#isEmptyFrom(index)) await this.#noteDamage();
        return await this.#cutFrom(index);
      }
      const end = await this.#scanSegment(segment, index === first ? trusted : segment.baseOffset);
      if (end.kind === "end") {
        if (index < this.#segments.length - 1) segment.seal();
        continue;
      }
      const isIncompleteWrite = end.kind === "short" && this.#isEmptyFrom(index + 1);
      if (!isIncompleteWrite) await this.#noteDamage();
      await this.#cutSegment(segment, end);
      return await this.#cutFrom(index + 1);
    }
  }

  /** Verifies the batches of one segment from the last index entry at or below `trusted` on. */
  async #scanSegment(segment: Segment, trusted: Offset): Promise<ScanEnd> {
    const fileBytes = segment.sizeBytes;
    const from = await this.#rewind(segment, trusted);
    if (!segment.isOnDisk) return { kind: "end", position: 0, readBytes: 0 };
    if (!this.#hasScanned) await this.#replayTo(segment, from.position);
    this.#hasScanned = true;
    const nowMs = this.#options.clock.now();
    const verify = (bytes: Uint8Array, at: number, { sizeBytes }: { sizeBytes: number }): boolean => {
      const baseOffset = baseOffsetOf(bytes, at);
      const epoch = leaderEpochOf(bytes, at);
      const lastOffset = lastOffsetOf(bytes, at);
      const continues = segment.sizeBytes === 0 || from.isExact ? baseOffset === segment.endOffset : true;
      from.isExact = true;
      if (!continues || lastOffset < baseOffset || epoch < this.#epochs.latest || !hasValidCrc(bytes, at)) return false;
      if (epoch > NO_EPOCH) this.#epochs.assign(epoch, baseOffset);
      segment.note({ lastOffset, maxTimestampMs: maxTimestampOf(bytes, at), sizeBytes }, this.#interval);
      if (lastOffset >= this.#known.upTo) this.#known.states.update(bytes, at, { lastOffset, nowMs });
      return true;
    };
    const { files } = this.#folder.shared;
    const end = await files.useExisting(segment.path, (file) =>
      scanBatches(file, { from: from.position, to: fileBytes }, verify),
    );
    this.#scannedBytes += end.readBytes;
    segment.writtenBytes = segment.sizeBytes;
    segment.syncedBytes = Math.min(from.position, segment.sizeBytes);
    await segment.persistIndexes();
    return { ...end, kind: end.kind === "stopped" ? "bad" : end.kind };
  }

  get #interval(): number {
    return this.#options.config.indexIntervalBytes;
  }

  /** Takes a segment back to its last index entry at or below `trusted`; `isExact` when `endOffset` is then known. */
  async #rewind(segment: Segment, trusted: Offset): Promise<{ position: number; isExact: boolean }> {
    const sane = segment.isOnDisk && trusted > segment.baseOffset ? await this.#areIndexesSane(segment) : false;
    const entry = sane ? await segment.offsetIndex.truncateTo(trusted) : null;
    if (entry === null) {
      await segment.clearIndexes();
      segment.cutBack({ sizeBytes: 0, endOffset: segment.baseOffset });
      this.#epochs.truncateFromEnd(segment.baseOffset);
      return { position: 0, isExact: true };
    }
    const time = await segment.timeIndex.truncateTo((entry.offset + 1) as Offset);
    segment.maxTimestamp = time ?? noTimestamp(segment.baseOffset);
    segment.cutBack({ sizeBytes: entry.position, endOffset: entry.offset });
    // The entry names the last offset of the batch that stands at its position: that batch's epoch is read again.
    this.#epochs.truncateFromEnd(entry.offset);
    return { position: entry.position, isExact: false };
  }

  async #areIndexesSane(segment: Segment): Promise<boolean> {
    const offsets = await segment.offsetIndex.countSane(segment.sizeBytes);
    return offsets.isAll && (await segment.timeIndex.isSane(offset(Number.MAX_SAFE_INTEGER)));
  }

  async #cutSegment(segment: Segment, end: ScanEnd): Promise<void> {
    await this.#folder.shared.files.useExisting(segment.path, async (file) => {
      this.#cutBytes += file.sizeBytes - end.position;
      await file.truncate(end.position);
    });
    segment.syncedBytes = Math.min(segment.syncedBytes, segment.sizeBytes - 1);
  }

  #isEmptyFrom(index: number): boolean {
    return this.#segments.slice(index).every((segment) => segment.isEmpty);
  }

  /** Before anything is cut: a start that dies after the cut must still be able to tell. */
  async #noteDamage(): Promise<void> {
    this.#isDamaged = true;
    if (this.#isDamageMarked) return;
    this.#isDamageMarked = true;
    await this.#folder.markDamaged();
  }

  /** Removes the segments from `index` on, the last first, so that a crash leaves no hole. */
  async #cutFrom(index: number): Promise<void> {
    while (this.#segments.length > index) {
      const segment = this.#segments.pop()!;
      this.#cutBytes += segment.sizeBytes;
      await this.#folder.removeSegment(segment);
    }
  }

  #logStart(logEnd: Offset): Offset {
    const named = this.#options.checkpoint?.logStart ?? offset(0);
    // After a restart below its start, the log begins where its first segment does.
    const checkpointed = this.#cut !== null && this.#cut.cutAt < named ? 0 : named;
    return Math.min(Math.max(checkpointed, this.#segments[0]!.baseOffset), logEnd) as Offset;
  }

  /** What stands above the place of a cut was written since: nobody compacted it. */
  #cleanedEnd(recoveryPoint: Offset): Offset {
    const checkpointed = this.#options.checkpoint?.cleanedEnd ?? offset(0);
    return Math.min(checkpointed, recoveryPoint) as Offset;
  }

  /** The broker's checkpoint may name offsets above what is left: said durably before they are written anew. */
  async #rememberCut(recoveryPoint: Offset, { isClean }: { isClean: boolean }): Promise<Offset | null> {
    const checkpointed = this.#options.checkpoint?.recoveryPoint ?? offset(0);
    if (isClean && this.#hasCutFile) await this.#folder.removeCut();
    const cut = this.#cut;
    if (cut === null && recoveryPoint >= checkpointed) return null;
    const until = Math.max(checkpointed, cut?.until ?? 0) as Offset;
    if (cut === null || cut.cutAt > recoveryPoint || cut.until < until) {
      await this.#folder.writeCut({ cutAt: recoveryPoint, until });
    }
    return until;
  }

  /** Producer state as of the newest snapshot that lies in the log and not above `trusted`. */
  async #newestSnapshot(trusted: Offset): Promise<KnownProducers> {
    const logStart = this.#segments[0]!.baseOffset;
    for (const upTo of this.#snapshots.toReversed()) {
      if (upTo > trusted || upTo < logStart) continue;
      const states = await this.#folder.readSnapshot(upTo, this.#options.clock.now());
      if (states !== null) return { states, upTo };
    }
    return { states: new ProducerStates(), upTo: logStart };
  }

  /** Reads producer state on, up to the place where verification begins and does so itself. */
  async #replayTo(segment: Segment, position: number): Promise<void> {
    const replay = await replayProducers(this.#folder.shared, {
      segments: this.#segments.slice(0, this.#segments.indexOf(segment) + 1),
      known: this.#known,
      nowMs: this.#options.clock.now(),
      endPosition: position,
    });
    this.#scannedBytes += replay.readBytes;
  }

  /** Producer state at the log's end, and no snapshot above what is known to be true. */
  async #producers(recoveryPoint: Offset): Promise<ProducerStates> {
    // Those above the recovery point were perhaps made of records that a crash has since replaced.
    while (this.#snapshots.length > 0 && this.#snapshots.at(-1)! > recoveryPoint) {
      await this.#folder.removeSnapshot(this.#snapshots.pop()!);
    }
    const active = this.#segments.at(-1)!;
    const isBeyondEnd = this.#known.upTo > active.endOffset;
    if (isBeyondEnd) this.#known = await this.#newestSnapshot(recoveryPoint);
    if (isBeyondEnd || !this.#hasScanned) await this.#replayTo(active, active.writtenBytes);
    return this.#known.states;
  }
}
