import {
  baseOffsetOf,
  baseSequenceOf,
  batchEnd,
  crcOf,
  hasValidCrc,
  lastOffsetDeltaOf,
  leaderEpochOf,
  MAGIC_V2,
  magicOf,
  producerIdOf,
} from "../../../broker/wire/record-batch.ts";
import { FileNode, type FolderNode } from "../world/disk-nodes.ts";

/** Names a record wherever it is seen: its batch's CRC and its place in the batch. Contents are all different. */
export const recordId = (crc: number, place: number): number => place * 0x1_0000_0000 + crc;

export interface MirroredBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly leaderEpoch: number;
  readonly producerId: number;
  readonly baseSequence: number;
  readonly crc: number;
}

export const mirroredBatch = (bytes: Uint8Array, at: number): MirroredBatch => ({
  baseOffset: baseOffsetOf(bytes, at),
  count: lastOffsetDeltaOf(bytes, at) + 1,
  leaderEpoch: leaderEpochOf(bytes, at),
  producerId: producerIdOf(bytes, at),
  baseSequence: baseSequenceOf(bytes, at),
  crc: crcOf(bytes, at),
});

/**
 * What the files of one replica hold, read from the simulated disk without asking any broker: whole, right batches
 * that follow one another, up to the first that is not.
 */
export class ReplicaMirror {
  readonly broker: number;
  readonly folder: FolderNode;
  readonly topicId: string;
  readonly partition: number;
  /** Offset of the first record that the files hold. */
  start = 0;
  batches: MirroredBatch[] = [];
  /** By offset − start. */
  ids: number[] = [];
  /** All committed offsets below are known to be here. */
  verifiedTo = 0;
  #files: FileNode[] = [];
  #parsedBytes = 0;

  constructor(options: { broker: number; folder: FolderNode; topicId: string; partition: number }) {
    this.broker = options.broker;
    this.folder = options.folder;
    this.topicId = options.topicId;
    this.partition = options.partition;
    this.#listFiles();
  }

  get end(): number {
    return this.start + this.ids.length;
  }

  /** Undefined where the files hold nothing. */
  idAt(offset: number): number | undefined {
    return this.ids[offset - this.start];
  }

  /** Reads what was appended. @returns false when the write was something else: then all must be read anew. */
  append(file: FileNode, position: number): boolean {
    if (this.#files.at(-1) !== file || position < this.#parsedBytes) return false;
    this.#parse(file, { endsAtFall: false });
    return true;
  }

  /**
   * Reads all files again. After a power loss what was cut off and never synced may stand behind what was written over
   * it, batch by batch: it is of an older epoch, at which a log ends for recovery, too. What is appended is held to
   * epochs that do not fall all the same. @returns the first offset that is not what it was.
   */
  rebuild(): number {
    const before = { start: this.start, ids: this.ids };
    this.#listFiles();
    this.batches = [];
    this.ids = [];
    this.start = Number(this.#files[0]?.name.slice(0, 20) ?? 0);
    for (const [place, file] of this.#files.entries()) {
      this.#parsedBytes = 0;
      if (place > 0 && Number(file.name.slice(0, 20)) !== this.end) break;
      this.#parse(file, { endsAtFall: true });
      if (this.#parsedBytes < file.sizeBytes) break;
    }
    let same = Math.max(before.start, this.start);
    while (same < this.end && before.ids[same - before.start] === this.idAt(same)) same++;
    this.verifiedTo = Math.min(this.verifiedTo, same);
    return same;
  }

  #listFiles(): void {
    const files = [...this.folder.entries.values()].filter((node) => node instanceof FileNode);
    this.#files = files.filter(({ name }) => name.endsWith(".log")).sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #parse(file: FileNode, { endsAtFall }: { endsAtFall: boolean }): void {
    const bytes = file.content;
    for (;;) {
      const at = this.#parsedBytes;
      const end = batchEnd(bytes, at, bytes.length);
      if (end < 0 || magicOf(bytes, at) !== MAGIC_V2 || !hasValidCrc(bytes, at)) return;
      const batch = mirroredBatch(bytes, at);
      if (this.ids.length === 0 && this.batches.length === 0) this.start = batch.baseOffset;
      if (batch.baseOffset !== this.end) return;
      if (endsAtFall && batch.leaderEpoch < (this.batches.at(-1)?.leaderEpoch ?? batch.leaderEpoch)) return;
      this.batches.push(batch);
      for (let place = 0; place < batch.count; place++) this.ids.push(recordId(batch.crc, place));
      this.#parsedBytes = end;
    }
  }
}
