import {
  baseOffsetOf,
  baseSequenceOf,
  batchEnd,
  crcOf,
  deleteHorizonOf,
  hasValidCrc,
  lastOffsetDeltaOf,
  leaderEpochOf,
  MAGIC_V2,
  magicOf,
  producerIdOf,
} from "../../../broker/wire/record-batch.ts";
import { FileNode, type FolderNode } from "../world/disk-nodes.ts";
import { GONE, type NamesOf } from "./record-names.ts";

export interface MirroredBatch {
  readonly baseOffset: number;
  readonly count: number;
  readonly leaderEpoch: number;
  readonly producerId: number;
  readonly baseSequence: number;
  readonly crc: number;
  /** From then on its tombstones may go: milliseconds since 1970; null when it has no such time yet. */
  readonly deleteHorizonMs: number | null;
  /** Where it begins in what it was read from. */
  readonly at: number;
}

export const mirroredBatch = (bytes: Uint8Array, at: number): MirroredBatch => ({
  baseOffset: baseOffsetOf(bytes, at),
  count: lastOffsetDeltaOf(bytes, at) + 1,
  leaderEpoch: leaderEpochOf(bytes, at),
  producerId: producerIdOf(bytes, at),
  baseSequence: baseSequenceOf(bytes, at),
  crc: crcOf(bytes, at),
  deleteHorizonMs: deleteHorizonOf(bytes, at),
  at,
});

/** A record that was there, and whose place alone is left. */
export interface GoneRecord {
  readonly offset: number;
  readonly id: number;
  /** The batch that it was in. */
  readonly batch: MirroredBatch;
}

/** What was found when all files were read again. */
export interface Rebuilt {
  /** The first offset that is not what it was; compaction leaves offsets what they were. */
  readonly same: number;
  readonly gone: readonly GoneRecord[];
}

export const isLog = (name: string): boolean => name.endsWith(".log");
/** From its renaming on it stands for every segment that begins within it, whatever of them is still there. */
export const isSwap = (name: string): boolean => name.endsWith(".log.swap");

/** The whole, right batches of one file that follow one another, up to the first that is not. */
class FileMirror {
  readonly file: FileNode;
  readonly start: number;
  readonly batches: MirroredBatch[] = [];
  readonly ids: number[] = [];
  parsedBytes = 0;
  #seenChanges = -1;

  constructor(file: FileNode) {
    this.file = file;
    this.start = Number(file.name.slice(0, 20));
  }

  get end(): number {
    return this.start + this.ids.length;
  }

  /** Nothing but appends happened to the file since it was parsed, as far as anybody has said. */
  get isCurrent(): boolean {
    return this.#seenChanges === this.file.changeCount;
  }

  parse(namesOf: NamesOf): void {
    const bytes = this.file.content;
    this.#seenChanges = this.file.changeCount;
    for (;;) {
      const at = this.parsedBytes;
      const end = batchEnd(bytes, at, bytes.length);
      if (end < 0 || magicOf(bytes, at) !== MAGIC_V2 || !hasValidCrc(bytes, at)) return;
      const batch = mirroredBatch(bytes, at);
      if (batch.baseOffset !== this.end) return;
      this.batches.push(batch);
      for (const id of namesOf(bytes, at)) this.ids.push(id);
      this.parsedBytes = end;
    }
  }

  /** Forgets the batches from number `count` on, until it is parsed anew. */
  trim(count: number): void {
    const first = this.batches[count];
    if (first === undefined) return;
    this.batches.length = count;
    this.ids.length = first.baseOffset - this.start;
    this.parsedBytes = first.at;
    this.#seenChanges = -1;
  }
}

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
  /** Another one after each change. */
  version = 0;
  readonly #namesOf: NamesOf;
  /** The file that the log ends in; null when what stands behind its end is no log. */
  #last: FileMirror | null = null;
  readonly #parsed = new WeakMap<FileNode, FileMirror>();

  constructor(options: { broker: number; folder: FolderNode; topicId: string; partition: number; namesOf: NamesOf }) {
    this.broker = options.broker;
    this.folder = options.folder;
    this.topicId = options.topicId;
    this.partition = options.partition;
    this.#namesOf = options.namesOf;
  }

  get end(): number {
    return this.start + this.ids.length;
  }

  /** Undefined where the files hold nothing, `GONE` where they hold a place only. */
  idAt(offset: number): number | undefined {
    return this.ids[offset - this.start];
  }

  /** Which batch holds `offset`; the number of all when it lies behind them. */
  batchIndexOf(offset: number): number {
    return batchIndexOf(this.batches, offset);
  }

  /** Reads what was appended. @returns false when the write was something else: then all must be read anew. */
  append(file: FileNode, position: number): boolean {
    const last = this.#last;
    if (last?.file !== file || position < last.parsedBytes) return false;
    this.version++;
    const count = last.batches.length;
    last.parse(this.#namesOf);
    this.#take(last, count, last.batches.length);
    return true;
  }

  /**
   * Reads all files again. After a power loss what was cut off and never synced may stand behind what was written over
   * it, batch by batch: it is of an older epoch, at which a log ends for recovery, too. What is appended is held to
   * epochs that do not fall all the same.
   */
  rebuild(): Rebuilt {
    const before = { start: this.start, ids: this.ids, batches: this.batches };
    this.#readAll();
    const gone: GoneRecord[] = [];
    let same = Math.max(before.start, this.start);
    for (; same < this.end; same++) {
      const was = before.ids[same - before.start];
      if (was === this.idAt(same)) continue;
      if (was === undefined || this.idAt(same) !== GONE) break;
      gone.push({ offset: same, id: was, batch: before.batches[batchIndexOf(before.batches, same)] as MirroredBatch });
    }
    // What was cut may have been what took the place of something below.
    this.verifiedTo = this.ids.includes(GONE) ? 0 : Math.min(this.verifiedTo, same);
    return { same, gone };
  }

  #readAll(): void {
    const files = this.#listFiles();
    this.version++;
    this.#last = null;
    this.batches = [];
    this.ids = [];
    this.start = files[0]?.start ?? 0;
    for (const one of files) {
      if (one.start !== this.end) return;
      this.#takeUntilFall(one);
      if (one === files.at(-1)) this.#last = one;
      if (one.parsedBytes < one.file.sizeBytes) return;
    }
  }

  #takeUntilFall(one: FileMirror): void {
    let epoch = this.batches.at(-1)?.leaderEpoch ?? -1;
    const fall = one.batches.findIndex(({ leaderEpoch }) => {
      const falls = leaderEpoch < epoch;
      epoch = leaderEpoch;
      return falls;
    });
    if (fall >= 0) one.trim(fall);
    this.#take(one, 0, one.batches.length);
  }

  #take(one: FileMirror, from: number, to: number): void {
    for (let place = from; place < to; place++) this.batches.push(one.batches[place] as MirroredBatch);
    for (let place = this.end - one.start; place < one.ids.length; place++) this.ids.push(one.ids[place] as number);
  }

  /** Those that make up the log, as recovery would find them. */
  #listFiles(): FileMirror[] {
    const files = [...this.folder.entries.values()].filter((node) => node instanceof FileNode);
    let logs = files.filter(({ name }) => isLog(name)).map((file) => this.#parse(file));
    for (const file of files.filter(({ name }) => isSwap(name))) {
      const swap = this.#parse(file);
      logs = [...logs.filter(({ start }) => start < swap.start || start >= swap.end), swap];
    }
    return logs.sort((a, b) => a.start - b.start);
  }

  #parse(file: FileNode): FileMirror {
    const known = this.#parsed.get(file);
    if (known?.isCurrent === true) return known;
    const fresh = new FileMirror(file);
    fresh.parse(this.#namesOf);
    this.#parsed.set(file, fresh);
    return fresh;
  }
}

/** Which batch holds `offset`; the number of all when none does, and it lies behind them. */
function batchIndexOf(batches: readonly MirroredBatch[], offset: number): number {
  let [low, high] = [0, batches.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const { baseOffset, count } = batches[middle] as MirroredBatch;
    if (baseOffset + count <= offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
