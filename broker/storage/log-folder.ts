import { TidemarkError } from "../base/errors.ts";
import { type Offset, offset, type TopicId } from "../base/ids.ts";
import { replaceFile } from "../ports/disk.ts";
import {
  CLEANED_SUFFIX,
  CUT_NAME,
  DAMAGE_NAME,
  DELETED_SUFFIX,
  EPOCHS_NAME,
  indexName,
  logName,
  METADATA_NAME,
  segmentNames,
  snapshotName,
  SUPERSEDED_NAME,
  SWAP_SUFFIX,
  timeIndexName,
} from "./file-names.ts";
import { LeaderEpochCache } from "./leader-epoch-cache.ts";
import { decodePartitionMetadata, encodePartitionMetadata } from "./partition-metadata.ts";
import { decodeSnapshot } from "./producer-snapshot.ts";
import type { ProducerStates } from "./producer-state.ts";
import { Segment } from "./segment.ts";
import type { SharedStorage } from "./shared-storage.ts";

/** Everything in a partition's folder besides the contents of its segments. */
export class LogFolder {
  readonly path: string;
  readonly shared: SharedStorage;
  readonly #topicId: TopicId;
  /** Whether the topic id is known to be durable: a folder with a segment got there only after that. */
  #isPrepared = false;
  #areEntriesDirty = true;
  #entriesSync: Promise<void> = Promise.resolve();

  constructor(shared: SharedStorage, options: { path: string; topicId: TopicId }) {
    this.shared = shared;
    this.path = options.path;
    this.#topicId = options.topicId;
  }

  /** Names of the files. Makes the folder, with its topic id, when it is missing; refuses one of another topic. */
  async open(): Promise<string[]> {
    const { disk } = this.shared;
    const names = await disk.list(this.path);
    const content = names.includes(METADATA_NAME) ? await disk.readFile(this.#at(METADATA_NAME)) : null;
    const found = content === null ? null : decodePartitionMetadata(content);
    if (found !== null && found !== this.#topicId) {
      throw new TidemarkError("LOG_CORRUPT", `${this.path} holds topic id ${found}, not ${this.#topicId}`);
    }
    const holdsRecords = names.some((name) => name.endsWith(".log"));
    if (found === null && holdsRecords) {
      throw new TidemarkError("LOG_CORRUPT", `${this.#at(METADATA_NAME)} is unreadable: whose records are these?`);
    }
    this.#isPrepared = holdsRecords;
    if (found === null) await this.#create();
    return names;
  }

  async #create(): Promise<void> {
    const { disk } = this.shared;
    await disk.makeFolder(this.path);
    const file = await disk.open(this.#at(METADATA_NAME), { create: true });
    if (file === null) throw new TidemarkError("DISK_FAILED", `${this.path} cannot be written`);
    try {
      const content = encodePartitionMetadata(this.#topicId);
      await file.write([content], 0);
      await file.truncate(content.length);
    } finally {
      await file.close();
    }
  }

  /** A segment that begins at `baseOffset`; its file is made at its first write. */
  newSegment(baseOffset: Offset, nowMs: number): Segment {
    return new Segment(this.shared, {
      folder: this.path,
      baseOffset,
      endOffset: baseOffset,
      isNew: true,
      nowMs,
    });
  }

  /** Makes a segment's file; before that the topic id is synced, so that no record is ever nobody's. */
  async prepare(segment: Segment): Promise<void> {
    if (!this.#isPrepared) {
      const { disk } = this.shared;
      const file = await disk.open(this.#at(METADATA_NAME));
      if (file === null) throw new TidemarkError("DISK_FAILED", `${this.#at(METADATA_NAME)} has gone`);
      try {
        await file.sync();
      } finally {
        await file.close();
      }
      await disk.syncFolder(this.path);
      await disk.syncFolder("");
      this.#isPrepared = true;
    }
    // No segment is begun before those in front of it can be found again: a power cut never leaves a hole.
    await this.syncEntries();
    await this.shared.files.use(segment.path, { create: true }, async () => undefined);
    // Only now: a sync of the folder before the file was there would have said nothing of it.
    this.#areEntriesDirty = true;
    segment.isOnDisk = true;
  }

  /** Files may have been created. */
  entriesChanged(): void {
    this.#areEntriesDirty = true;
  }

  /** Makes created files findable after a power cut, if any were. */
  async syncEntries(): Promise<void> {
    if (this.#areEntriesDirty) {
      this.#areEntriesDirty = false;
      this.#entriesSync = this.#entriesSync.then(() => this.shared.disk.syncFolder(this.path));
    }
    // Whoever finds nothing to do still waits for what another began.
    await this.#entriesSync;
  }

  /** Removes a segment for good, its `.log` durably first: what is left over of it then means nothing. */
  async removeSegment(segment: Segment): Promise<void> {
    const { disk, files } = this.shared;
    this.#forgetIndexes(segment);
    if (segment.isOnDisk) {
      await files.forget(segment.path);
      await disk.remove(segment.path);
      await disk.syncFolder(this.path);
    }
    for (const name of [indexName(segment.baseOffset), timeIndexName(segment.baseOffset)]) {
      await files.forget(this.#at(name));
      await disk.remove(this.#at(name));
    }
  }

  /**
   * Takes a segment out of the log by renaming its files, the `.log` durably first. Resolves to what removes them.
   * Segments go one by one, the oldest first, so that a crash never leaves a hole.
   */
  async renameSegment(segment: Segment): Promise<() => Promise<void>> {
    const { disk, files } = this.shared;
    const { baseOffset } = segment;
    this.#forgetIndexes(segment);
    const names = [...segmentNames(baseOffset), snapshotName(baseOffset)];
    const present = new Set(await disk.list(this.path));
    const renamed: string[] = [];
    for (const name of names) {
      if (!present.has(name)) continue;
      await files.forget(this.#at(name));
      await disk.rename(this.#at(name), this.#at(name + DELETED_SUFFIX));
      if (name.endsWith(".log")) await disk.syncFolder(this.path);
      renamed.push(name + DELETED_SUFFIX);
    }
    return async () => {
      for (const name of renamed) await disk.remove(this.#at(name));
    };
  }

  /**
   * Puts the segment whose `.cleaned` files stand synced at `baseOffset` in the place of `sources`, which begin there.
   * Once it has its `.swap` name for good, recovery finishes what a crash leaves; before, it undoes it.
   */
  async swapIn(baseOffset: Offset, sources: readonly Segment[]): Promise<void> {
    const log = logName(baseOffset);
    await this.renameDurably(log + CLEANED_SUFFIX, log + SWAP_SUFFIX);
    for (const source of sources) {
      this.#forgetIndexes(source);
      const { path, offsetIndex, timeIndex } = source;
      for (const doomed of [path, offsetIndex.file.path, timeIndex.file.path]) {
        await this.shared.files.forget(doomed);
        await this.shared.disk.remove(doomed);
      }
    }
    // Or a power cut could leave the old indexes beside the new records.
    await this.shared.disk.syncFolder(this.path);
    const present = new Set(await this.list());
    for (const name of [indexName(baseOffset), timeIndexName(baseOffset)]) {
      if (present.has(name + CLEANED_SUFFIX))
        await this.shared.disk.rename(this.#at(name + CLEANED_SUFFIX), this.#at(name));
    }
    await this.renameDurably(log + SWAP_SUFFIX, log);
  }

  #forgetIndexes({ offsetIndex, timeIndex }: Segment): void {
    this.shared.indexes.forget(offsetIndex.file);
    this.shared.indexes.forget(timeIndex.file);
  }

  /** Removes the `.cleaned` files of a segment that is not wanted any more. */
  async removeCleaned(baseOffset: Offset): Promise<void> {
    for (const name of segmentNames(baseOffset)) await this.remove(name + CLEANED_SUFFIX);
  }

  async renameDurably(from: string, to: string): Promise<void> {
    await this.shared.disk.rename(this.#at(from), this.#at(to));
    await this.shared.disk.syncFolder(this.path);
  }

  async list(): Promise<string[]> {
    return await this.shared.disk.list(this.path);
  }

  async remove(name: string): Promise<void> {
    await this.shared.disk.remove(this.#at(name));
  }

  /** Writes and syncs producer state as of `at`. */
  async writeSnapshot(at: Offset, content: Uint8Array): Promise<void> {
    await this.#write(snapshotName(at), content);
  }

  async removeSnapshot(at: Offset): Promise<void> {
    await this.remove(snapshotName(at));
  }

  /** Null when missing or damaged. */
  async readSnapshot(at: Offset, nowMs: number): Promise<ProducerStates | null> {
    const content = await this.shared.disk.readFile(this.#at(snapshotName(at)));
    return content === null ? null : decodeSnapshot(content, nowMs);
  }

  async writeEpochs(epochs: LeaderEpochCache): Promise<void> {
    await replaceFile(this.shared.disk, this.#at(EPOCHS_NAME), epochs.encode());
  }

  /** Null when missing or damaged. */
  async readEpochs(): Promise<LeaderEpochCache | null> {
    const content = await this.shared.disk.readFile(this.#at(EPOCHS_NAME));
    return content === null ? null : LeaderEpochCache.decode(content);
  }

  /**
   * Says durably that nothing at or above `cutAt` counts as synced any more, whatever the broker's checkpoint says,
   * until all below `until` was synced again.
   */
  async writeCut(cut: Cut): Promise<void> {
    await replaceFile(this.shared.disk, this.#at(CUT_NAME), new TextEncoder().encode(`0\n${cut.cutAt} ${cut.until}\n`));
  }

  async readCut(): Promise<Cut | null> {
    const content = await this.shared.disk.readFile(this.#at(CUT_NAME));
    if (content === null) return null;
    const [, cutAt, until] = /^0\n(\d+) (\d+)\n$/.exec(new TextDecoder().decode(content)) ?? [];
    // A damaged mark still says that there was a cut: then nothing counts as synced.
    if (cutAt === undefined || until === undefined) return { cutAt: offset(0), until: offset(Number.MAX_SAFE_INTEGER) };
    return { cutAt: offset(Number(cutAt)), until: offset(Number(until)) };
  }

  /** Says durably that records below `end` have taken the place of others, which are about to go. */
  async writeSuperseded(end: Offset): Promise<void> {
    await replaceFile(this.shared.disk, this.#at(SUPERSEDED_NAME), new TextEncoder().encode(`0\n${end}\n`));
  }

  /** 0 when nothing was ever compacted. A damaged mark says that nothing above the log's start can be relied on. */
  async readSuperseded(): Promise<Offset> {
    const content = await this.shared.disk.readFile(this.#at(SUPERSEDED_NAME));
    if (content === null) return offset(0);
    const [, end] = /^0\n(\d+)\n$/.exec(new TextDecoder().decode(content)) ?? [];
    return offset(end === undefined ? Number.MAX_SAFE_INTEGER : Number(end));
  }

  /** Durably, or the mark could come back and speak of records that were never compacted. */
  async removeSuperseded(): Promise<void> {
    await this.remove(SUPERSEDED_NAME);
    await this.shared.disk.syncFolder(this.path);
  }

  /** Says durably that records may be missing: see DataFolder.adopt for when that is forgotten. */
  async markDamaged(): Promise<void> {
    await this.#write(DAMAGE_NAME, new TextEncoder().encode("records may be missing here\n"));
    await this.syncEntries();
  }

  async removeCut(): Promise<void> {
    await this.remove(CUT_NAME);
  }

  async #write(name: string, content: Uint8Array): Promise<void> {
    const file = await this.shared.disk.open(this.#at(name), { create: true });
    if (file === null) throw new TidemarkError("DISK_FAILED", `${this.#at(name)} cannot be written`);
    try {
      await file.write([content], 0);
      await file.truncate(content.length);
      await file.sync();
    } finally {
      await file.close();
    }
    this.#areEntriesDirty = true;
  }

  #at(name: string): string {
    return `${this.path}/${name}`;
  }
}

/** See {@link LogFolder.writeCut}. */
export interface Cut {
  readonly cutAt: Offset;
  readonly until: Offset;
}
