import { type Clock, sleep } from "../base/clock.ts";

/** Shorter pauses are not worth a timer: they add up, and are made good with the next. */
const PAUSE_MS_MIN = 10;
/** No timer runs longer. */
const PAUSE_MS_MAX = 2 ** 31 - 1;

/** Holds one run of compaction to so many bytes a second, on average since it began. */
export class CompactionPace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  readonly #startedMs: number;
  #bytes = 0;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#startedMs = clock.monotonic();
  }

  /** Notes `bytes` as read or written. Resolves when the next may be. */
  async spend(bytes: number): Promise<void> {
    this.#bytes += bytes;
    const dueMs = (this.#bytes / this.#bytesPerSecond) * 1000;
    const pauseMs = dueMs - (this.#clock.monotonic() - this.#startedMs);
    if (pauseMs >= PAUSE_MS_MIN) await sleep(this.#clock, Math.min(pauseMs, PAUSE_MS_MAX));
  }
}
