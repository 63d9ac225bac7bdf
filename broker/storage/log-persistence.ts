import type { Offset } from "../base/ids.ts";
import type { LeaderEpochCache } from "./leader-epoch-cache.ts";
import type { LogFolder } from "./log-folder.ts";
import { syncSegment } from "./log-syncer.ts";
import { type KnownProducers, producersAfterCut } from "./producer-rebuild.ts";
import { replayProducers } from "./producer-replay.ts";
import type { ProducerStates } from "./producer-state.ts";
import type { Segment } from "./segment.ts";

/**
 * What of one log would survive a power cut as a whole: up to the recovery point the records are synced together with
 * their index entries, leader epochs and producer state, so that recovery need not read them. Calls take turns.
 */
export class LogPersistence {
  readonly #folder: LogFolder;
  readonly #epochs: LeaderEpochCache;
  #recoveryPoint: Offset;
  /** Offsets of the snapshot files, rising. */
  #snapshots: readonly Offset[];
  /** Until all below is synced again, the folder says that the broker's checkpoint is wrong. */
  #cutUntil: Offset | null;
  /** Whether the epochs are other than what their file says. */
  areEpochsDirty: boolean;

  constructor(
    folder: LogFolder,
    loaded: {
      readonly epochs: LeaderEpochCache;
      readonly recoveryPoint: Offset;
      readonly snapshots: readonly Offset[];
      readonly cutUntil: Offset | null;
      readonly areEpochsDirty: boolean;
    },
  ) {
    this.#folder = folder;
    this.#epochs = loaded.epochs;
    this.#recoveryPoint = loaded.recoveryPoint;
    this.#snapshots = loaded.snapshots;
    this.#cutUntil = loaded.cutUntil;
    this.areEpochsDirty = loaded.areEpochsDirty;
  }

  get recoveryPoint(): Offset {
    return this.#recoveryPoint;
  }

  /** Whether everything that belongs to a log ending at `end` is saved, besides cuts of segments. */
  isComplete(end: Offset): boolean {
    return end <= this.#recoveryPoint && !this.areEpochsDirty && !this.#lacksSnapshot(end);
  }

  /** Whether producer state at `end` would have to be read out of the records. */
  #lacksSnapshot(end: Offset): boolean {
    return end > 0 && this.#snapshots.at(-1) !== end;
  }

  /** Syncs everything below `target`, all of it written, with `snapshot` as the producer state there. */
  async flushTo(target: Offset, what: { segments: readonly Segment[]; snapshot: Uint8Array }): Promise<void> {
    const isAhead = target > this.#recoveryPoint;
    for (const segment of what.segments) {
      if (segment.baseOffset >= target || !segment.isOnDisk) continue;
      await syncSegment(this.#folder.shared, segment);
      if (!segment.areIndexesUnsynced) continue;
      await segment.syncIndexes();
      this.#folder.entriesChanged();
    }
    if (this.#lacksSnapshot(target)) {
      await this.#folder.writeSnapshot(target, what.snapshot);
      this.#snapshots = [...this.#snapshots, target];
    }
    if (this.areEpochsDirty) await this.writeEpochs();
    await this.#folder.syncEntries();
    if (!isAhead) return;
    this.#recoveryPoint = target;
    await this.#forgetCut(target);
    const bases = new Set(what.segments.map((segment) => segment.baseOffset));
    await this.#dropSnapshots((at) => at < target && !bases.has(at));
  }

  async writeEpochs(): Promise<void> {
    this.areEpochsDirty = false;
    await this.#folder.writeEpochs(this.#epochs);
  }

  async #forgetCut(syncedEnd: Offset): Promise<void> {
    if (this.#cutUntil === null || syncedEnd < this.#cutUntil) return;
    this.#cutUntil = null;
    await this.#folder.removeCut();
  }

  /**
   * Before the records at and above `end` go: others will stand there, and no checkpoint, however old, may vouch for
   * them, nor say that the log starts above.
   */
  async announceCut(end: Offset, logStart: Offset): Promise<void> {
    if (end >= this.#recoveryPoint && end >= logStart) return;
    const until = Math.max(this.#recoveryPoint, this.#cutUntil ?? 0, logStart) as Offset;
    await this.#folder.writeCut({ cutAt: end, until });
    this.#cutUntil = until;
    if (end < this.#recoveryPoint) this.#recoveryPoint = end;
  }

  /** Producer state after a cut: as of the newest snapshot left, and read on from there. */
  async rebuildProducers(
    current: KnownProducers,
    segments: readonly Segment[],
    nowMs: number,
  ): Promise<ProducerStates> {
    const logStart = segments[0]!.baseOffset;
    const snapshot = await this.newestSnapshot(logStart, nowMs);
    const known = producersAfterCut({ current, snapshot, logStart });
    await replayProducers(this.#folder.shared, { segments, known, nowMs });
    return known.states;
  }

  /** The newest readable producer state that lies within a log beginning at `logStart`. */
  async newestSnapshot(logStart: Offset, nowMs: number): Promise<KnownProducers | null> {
    for (const upTo of this.#snapshots.toReversed()) {
      const states = upTo < logStart ? null : await this.#folder.readSnapshot(upTo, nowMs);
      if (states !== null) return { states, upTo };
    }
    return null;
  }

  async dropSnapshotsAbove(end: Offset): Promise<void> {
    await this.#dropSnapshots((at) => at > end);
  }

  async dropSnapshotsBelow(start: Offset): Promise<void> {
    await this.#dropSnapshots((at) => at < start);
  }

  async dropAllSnapshots(): Promise<void> {
    await this.#dropSnapshots(() => true);
  }

  async #dropSnapshots(mustGo: (at: Offset) => boolean): Promise<void> {
    const doomed = this.#snapshots.filter(mustGo);
    this.#snapshots = this.#snapshots.filter((at) => !mustGo(at));
    for (const at of doomed) await this.#folder.removeSnapshot(at);
  }
}
