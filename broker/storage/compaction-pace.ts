import { type Clock, sleep } from "../base/clock.ts";

/** Shorter pauses are not worth a timer: they add up, and are made good with the next. */
const PAUSE_MS_MIN = 10;
/** No timer runs longer. */
const PAUSE_MS_MAX = 2 ** 31 - 1;

/** After so much work it rests: who wants the core meanwhile waits hardly longer. No timer rests for less. */
const TURN_MS = 1;
const REST_MS_MAX = 100;

/**
 * Holds one run of compaction to so many bytes a second, on average since it began, and to half of a core: it rests for
 * as long as it has worked. A priority is not enough for that: it counts within a process, and on a machine with few
 * cores other brokers, and clients, would wait behind the run for as long as the scheduler lets it go on.
 */
export class CompactionPace {
  readonly #clock: Clock;
  readonly #bytesPerSecond: number;
  readonly #startedMs: number;
  #restedMs: number;
  #bytes = 0;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
    this.#startedMs = clock.monotonic();
    this.#restedMs = this.#startedMs;
  }

  /** Notes `bytes` as read or written. Resolves when the next may be. */
  async spend(bytes: number): Promise<void> {
    this.#bytes += bytes;
    const nowMs = this.#clock.monotonic();
    const dueMs = this.#startedMs + (this.#bytes / this.#bytesPerSecond) * 1000;
    const workedMs = nowMs - this.#restedMs;
    const restMs = workedMs >= TURN_MS ? Math.min(workedMs, REST_MS_MAX) : 0;
    const pauseMs = Math.max(restMs, dueMs - nowMs >= PAUSE_MS_MIN ? dueMs - nowMs : 0);
    if (pauseMs === 0) return;
    await sleep(this.#clock, Math.min(pauseMs, PAUSE_MS_MAX));
    this.#restedMs = this.#clock.monotonic();
  }
}
