import type { Clock, Timer } from "../base/clock.ts";
import type { LogFolder } from "./log-folder.ts";
import type { LogReader } from "./log-reader.ts";
import { deletableSegments, type RetentionLimits } from "./retention.ts";
import type { Segment } from "./segment.ts";

/** Longer than any timer can run. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Takes old segments out of a log and, a while later, off the disk. */
export class SegmentRemover {
  readonly #folder: LogFolder;
  readonly #reader: LogReader;
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  /** Runs work on the log's files when its turn comes, and answers for its failure. */
  readonly #later: (work: () => Promise<void>) => void;

  constructor(options: {
    folder: LogFolder;
    reader: LogReader;
    clock: Clock;
    later: (work: () => Promise<void>) => void;
  }) {
    this.#folder = options.folder;
    this.#reader = options.reader;
    this.#clock = options.clock;
    this.#later = options.later;
  }

  /** How many of the oldest segments may go. */
  async countDeletable(segments: readonly Segment[], limits: RetentionLimits): Promise<number> {
    const summaries = [];
    for (const segment of segments) {
      const maxTimestampMs = limits.retentionMs < 0 ? -1 : (await this.#reader.maxTimestamp(segment)).timestampMs;
      summaries.push({ sizeBytes: segment.sizeBytes, maxTimestampMs, endOffset: segment.endOffset });
    }
    return deletableSegments(summaries, limits);
  }

  /** Renames the files of `segments`, the log's oldest, in order; `delayMs` later they are removed. */
  async remove(segments: readonly Segment[], delayMs: number): Promise<void> {
    for (const segment of segments) {
      const remove = await this.#folder.renameSegment(segment);
      const timer = this.#clock.after(Math.min(delayMs, TIMER_MS_MAX), () => {
        this.#timers.delete(timer);
        this.#later(remove);
      });
      this.#timers.add(timer);
    }
  }

  /** What was renamed and is still there, the next start removes. */
  stop(): void {
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }
}
