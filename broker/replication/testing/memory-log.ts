import { assert } from "../../base/assert.ts";
import type { LeaderEpoch, Offset } from "../../base/ids.ts";
import type { EpochEnd } from "../../storage/leader-epoch-cache.ts";
import type { FollowerAppend } from "../../storage/follower-run.ts";
import { defaultLogConfig, type LogConfig } from "../../storage/log-config.ts";
import type { AppendedBatch, PartitionLog } from "../../storage/partition-log.ts";
import type { ProducerCheck } from "../../storage/producer-state.ts";

const HEADER_BYTES = 61;
const TWO_32 = 0x1_0000_0000;

interface Kept {
  readonly bytes: Uint8Array;
  readonly base: number;
  readonly end: number;
  readonly epoch: number;
}

/** A batch of `count` records in Kafka's v2 layout as far as replication looks at it; `text` stands for the records. */
export function batchOf(text: string, count = 1): Uint8Array {
  const payload = new TextEncoder().encode(text);
  const bytes = new Uint8Array(HEADER_BYTES + payload.length);
  const view = new DataView(bytes.buffer);
  view.setInt32(8, bytes.length - 12);
  view.setUint8(16, 2);
  view.setInt32(23, count - 1);
  view.setInt32(57, count);
  bytes.set(payload, HEADER_BYTES);
  return bytes;
}

function keptOf(bytes: Uint8Array): Kept {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const base = view.getInt32(0) * TWO_32 + view.getUint32(4);
  return { bytes, base, end: base + view.getInt32(23) + 1, epoch: view.getInt32(12) };
}

/** A log in memory whose writes return when the test says so, or at once. Survives the replica that used it. */
export class MemoryLog {
  config: LogConfig = defaultLogConfig;
  /** While true, nothing that is appended counts as written. */
  isStalled = false;
  /** The tail in memory starts here; below, readers go to the disk. */
  tailStart = 0;
  readonly truncations: number[] = [];
  diskReads = 0;
  /** Retention removes what lies below. */
  retentionStart = 0;
  /** While set, reading from disk and retention fail with it. */
  unreadable: Error | null = null;
  onDurable: () => void = () => {};
  onFailure: (error: unknown) => void = () => {};
  unwrittenBytes = 0;
  readonly compaction = { hasHole: false, cleanedEnd: 0, supersededEnd: 0 };
  producers: { check(bytes: Uint8Array, at: number): ProducerCheck } = { check: () => ({ kind: "append" }) };
  #start = 0;
  #kept: Kept[] = [];
  #written = 0;
  #epochs: { epoch: number; start: number }[] = [];
  #isScheduled = false;

  /** What stands in for the real log. */
  get log(): PartitionLog {
    return this as unknown as PartitionLog;
  }

  /** The records' texts with their offsets and epochs: "0:a@1". */
  get content(): string[] {
    return this.#kept.map(({ bytes, base, epoch }) => `${base}:${textOf(bytes)}@${epoch}`);
  }

  get logStart(): Offset {
    return this.#start as Offset;
  }

  get keptStart(): Offset {
    return this.logStart;
  }

  get copyStart(): Offset {
    return Math.min(this.#kept[0]?.base ?? this.#start, this.#start) as Offset;
  }

  get logEnd(): Offset {
    return (this.#kept.at(-1)?.end ?? this.#start) as Offset;
  }

  get writtenEnd(): Offset {
    return this.#written as Offset;
  }

  get syncedEnd(): Offset {
    return this.#written as Offset;
  }

  get durableEnd(): Offset {
    return this.#written as Offset;
  }

  get sizeBytes(): number {
    return this.#kept.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  /** The writes under way return. */
  write(): void {
    this.isStalled = false;
    this.#settle();
  }

  /** What was only in memory is gone, as after the process died; with `to`, as if the page cache was lost, too. */
  crash(to: number = this.#written): void {
    this.#cut(to);
    this.isStalled = false;
    this.onDurable = () => {};
  }

  configure(config: LogConfig): void {
    this.config = config;
  }

  setTailBytesMax(): void {}

  forgetEmptyEpochs(): void {
    this.#epochs = this.#epochs.filter((entry) => entry.start < this.logEnd);
  }

  appendAsLeader(batch: Uint8Array, stamp: { leaderEpoch: LeaderEpoch; nowMs: number }): AppendedBatch {
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    view.setInt32(0, Math.floor(this.logEnd / TWO_32));
    view.setUint32(4, this.logEnd >>> 0);
    view.setInt32(12, stamp.leaderEpoch);
    const kept = keptOf(batch);
    this.#keep(kept);
    return { baseOffset: kept.base as Offset, lastOffset: (kept.end - 1) as Offset, logAppendTimeMs: -1 };
  }

  appendAsFollower(bytes: Uint8Array): FollowerAppend {
    let at = 0;
    while (at < bytes.length) {
      const view = new DataView(bytes.buffer, bytes.byteOffset + at);
      const length = 12 + view.getInt32(8);
      if (view.getUint8(16) !== 2) return { kind: "corrupt", reason: "magic" };
      const kept = keptOf(bytes.slice(at, at + length));
      if (kept.base !== this.logEnd) return { kind: "gap" };
      this.startEpoch(kept.epoch as LeaderEpoch);
      this.#keep(kept);
      at += length;
    }
    return { kind: "appended" };
  }

  startEpoch(epoch: LeaderEpoch): void {
    const last = this.#epochs.at(-1)?.epoch ?? -1;
    assert(epoch >= last, "epochs never fall");
    if (epoch > last) this.#epochs.push({ epoch, start: this.logEnd });
  }

  endOffsetFor(epoch: LeaderEpoch): EpochEnd {
    const latest = this.#epochs.at(-1);
    if (latest === undefined || epoch > latest.epoch) return end(-1, -1);
    if (epoch === latest.epoch) return end(epoch, this.logEnd);
    const next = this.#epochs.findIndex((entry) => entry.epoch > epoch);
    const start = this.#epochs[next]?.start ?? this.logEnd;
    return next === 0 ? end(epoch, start) : end(this.#epochs[next - 1]?.epoch ?? epoch, start);
  }

  epochAt(offset: Offset): LeaderEpoch {
    return (this.#kept.find((kept) => kept.base <= offset && offset < kept.end)?.epoch ?? -1) as LeaderEpoch;
  }

  readTail(from: Offset, options: { endOffset: Offset; maxBytes: number }): Uint8Array[] | null {
    if (from >= options.endOffset || from < this.copyStart) return [];
    return from < this.tailStart ? null : this.#read(from, options);
  }

  async read(from: Offset, options: { endOffset: Offset; maxBytes: number }): Promise<Uint8Array[]> {
    this.diskReads++;
    await Promise.resolve();
    if (this.unreadable !== null) throw this.unreadable;
    return from < this.copyStart ? [] : this.#read(from, options);
  }

  async truncateTo(offset: Offset): Promise<void> {
    await Promise.resolve();
    this.truncations.push(offset);
    this.#cut(offset);
  }

  async resetTo(offset: Offset): Promise<void> {
    await Promise.resolve();
    this.#cut(0);
    this.#start = offset;
    this.#written = offset;
    this.#epochs = [];
  }

  advanceLogStart(offset: Offset): void {
    this.#start = offset;
  }

  /** What retention does: everything below is gone. */
  removeBelow(offset: number): void {
    this.#start = Math.max(this.#start, offset);
    this.#kept = this.#kept.filter((kept) => kept.end > offset);
  }

  async applyRetention(): Promise<number> {
    if (this.unreadable !== null) throw this.unreadable;
    this.removeBelow(this.retentionStart);
    return 0;
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}

  #keep(kept: Kept): void {
    this.#kept.push(kept);
    this.unwrittenBytes += kept.bytes.length;
    if (this.isStalled || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      if (!this.isStalled) this.#settle();
    });
  }

  #settle(): void {
    if (this.#written === this.logEnd) return;
    this.#written = this.logEnd;
    this.unwrittenBytes = 0;
    this.onDurable();
  }

  #read(from: Offset, options: { endOffset: Offset; maxBytes: number }): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    for (const kept of this.#kept) {
      if (kept.end <= from) continue;
      if (kept.end > options.endOffset || (chunks.length > 0 && bytes + kept.bytes.length > options.maxBytes)) break;
      chunks.push(kept.bytes);
      bytes += kept.bytes.length;
    }
    return chunks;
  }

  #cut(offset: number): void {
    this.#kept = this.#kept.filter((kept) => kept.end <= offset);
    this.#epochs = this.#epochs.filter((entry) => entry.start < offset);
    this.#written = Math.min(this.#written, this.logEnd);
    this.unwrittenBytes = 0;
  }
}

export const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes.subarray(HEADER_BYTES));

const end = (epoch: number, endOffset: number): EpochEnd => ({
  epoch: epoch as LeaderEpoch,
  endOffset: endOffset as Offset,
});
