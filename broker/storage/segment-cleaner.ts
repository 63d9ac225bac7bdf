import { assert } from "../base/assert.ts";
import type { Clock } from "../base/clock.ts";
import { TidemarkError } from "../base/errors.ts";
import type { Compactor, KeyJob, KeyResult, RewriteJob, RewriteResult, SourceSegment } from "../ports/compactor.ts";
import type { Disk } from "../ports/disk.ts";
import { baseOffsetOf, hasValidCrc, lastOffsetOf, recordsCountOf } from "../wire/record-batch.ts";
import { BatchRewrite, type FoundKeys, isLeftAlone, noteKeys } from "./batch-rewrite.ts";
import { ScanBlock } from "./batch-scan.ts";
import { CleanedWriter } from "./cleaned-writer.ts";
import { CompactionPace } from "./compaction-pace.ts";
import { logName } from "./file-names.ts";
import { KeyMap } from "./key-map.ts";
import { SharedStorage } from "./shared-storage.ts";

/**
 * What is looked at, and what is gathered for the disk, in one step: a fraction of a millisecond of work. After each,
 * others may have a turn.
 */
const STEP_BYTES = 256 * 1024;

/** What is done with the batches of a segment, step by step. */
interface Steps {
  /** Takes the batch of `sizeBytes` at `at`; false when it is too much for this step. */
  take(bytes: Uint8Array, at: number, sizeBytes: number): boolean;
  /** Ends a step in which `readBytes` were taken; false when no more is wanted. */
  end(readBytes: number): Promise<boolean>;
}

/**
 * Compaction of closed segments, over a disk: finds the newest record of each key, then writes segments anew without
 * what is older. It knows of no log, and changes no file of one. Source: Kafka's Cleaner.
 */
export class SegmentCleaner implements Compactor {
  readonly #shared: SharedStorage;
  readonly #clock: Clock;
  /** What a step has seen of it is written, or forgotten, when the step ends. */
  readonly #block = new ScanBlock(STEP_BYTES);
  #pace: CompactionPace | null = null;
  #keys: FoundKeys | null = null;

  constructor(disk: Disk, clock: Clock) {
    this.#shared = new SharedStorage(disk);
    this.#clock = clock;
  }

  async findKeys(job: KeyJob): Promise<KeyResult> {
    const { from, bytesPerSecond } = job;
    this.#pace = new CompactionPace(this.#clock, bytesPerSecond);
    const logEnd = job.sources.at(-1)?.endOffset ?? from;
    const map = new KeyMap({ bytesMax: job.keyBytesMax, keysMax: logEnd - from, hashKey: job.hashKey });
    let fullAt: typeof from | null = null;
    const steps: Steps = {
      take: (bytes, at) => {
        if (lastOffsetOf(bytes, at) < from || isLeftAlone(bytes, at)) return true;
        if (map.count + recordsCountOf(bytes, at) > map.countMax) {
          fullAt = baseOffsetOf(bytes, at);
          return false;
        }
        noteKeys(map, bytes, at, from);
        return true;
      },
      end: async (readBytes) => {
        await this.#pace?.spend(readBytes);
        return fullAt === null;
      },
    };
    let readBytes = 0;
    for (const source of job.sources) if (fullAt === null) readBytes += await this.#walk(job.folder, source, steps);
    const endOffset = fullAt === null || fullAt > from ? (fullAt ?? logEnd) : from;
    this.#keys = { map, endOffset };
    return { endOffset, readBytes };
  }

  async rewrite(job: RewriteJob): Promise<RewriteResult> {
    const [first] = job.sources;
    assert(this.#keys !== null && first !== undefined, "segments are rewritten by the keys that were found before");
    const { folder, indexIntervalBytes } = job;
    const { baseOffset } = first;
    const writer = await CleanedWriter.begin(this.#shared, { folder, baseOffset, indexIntervalBytes });
    const rewrite = new BatchRewrite(job, { keys: this.#keys, writer });
    try {
      let readBytes = 0;
      for (const source of job.sources) {
        readBytes += await this.#walk(folder, source, this.#rewriteSteps(rewrite, writer));
      }
      const hasChanged = rewrite.hasChanged || writer.hasMerged || job.sources.length > 1;
      if (hasChanged) return { kind: "rewritten", readBytes, ...(await writer.finish()) };
      await writer.discard();
      return { kind: "same", readBytes };
    } catch (error) {
      // What cannot be removed now, the next run or start removes: the failure is what counts.
      await writer.discard().catch(() => undefined);
      throw error;
    } finally {
      await this.#shared.close();
    }
  }

  #rewriteSteps(rewrite: BatchRewrite, writer: CleanedWriter): Steps {
    return {
      take: (bytes, at, sizeBytes) => {
        if (writer.pendingBytes >= STEP_BYTES) return false;
        rewrite.take(bytes.subarray(at, at + sizeBytes));
        return true;
      },
      end: async (readBytes) => {
        await this.#pace?.spend(readBytes + writer.pendingBytes);
        await writer.flush();
        return true;
      },
    };
  }

  /** Walks the batches of a segment, each verified. Resolves to the bytes taken. */
  async #walk(folder: string, source: SourceSegment, steps: Steps): Promise<number> {
    const path = `${folder}/${logName(source.baseOffset)}`;
    let position = 0;
    let next = source.baseOffset;
    const visit = (bytes: Uint8Array, at: number, place: { position: number; sizeBytes: number }): boolean => {
      if (baseOffsetOf(bytes, at) !== next || !hasValidCrc(bytes, at)) throw damaged(path, place.position);
      if (!steps.take(bytes, at, place.sizeBytes)) return false;
      next = (lastOffsetOf(bytes, at) + 1) as typeof next;
      return true;
    };
    try {
      await this.#shared.files.useExisting(path, async (file) => {
        while (position < source.sizeBytes) {
          const end = await this.#block.scan(file, { from: position, to: source.sizeBytes }, visit);
          // Cut meanwhile between two batches, the file ends before it should: nothing more would ever come.
          const isCutOff = end.kind === "end" && end.position < source.sizeBytes;
          if (end.kind === "bad" || end.kind === "short" || isCutOff) throw damaged(path, end.position);
          const readBytes = end.position - position;
          position = end.position;
          if (!(await steps.end(readBytes))) return;
        }
      });
    } finally {
      await this.#shared.files.forget(path);
    }
    return position;
  }

  release(): void {
    this.#keys = null;
    this.#pace = null;
  }
}

const damaged = (path: string, position: number): TidemarkError =>
  new TidemarkError("LOG_CORRUPT", `${path} is damaged at byte ${position}`);
