import type { Clock, Timer } from "../base/clock.ts";

/** Longer than any timer can run: such a time means never. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Decides when what was written is synced: flush.messages and flush.ms. */
export class SyncSchedule {
  readonly #clock: Clock;
  readonly #sync: () => void;
  #timer: Timer | null = null;

  constructor(clock: Clock, sync: () => void) {
    this.#clock = clock;
    this.#sync = sync;
  }

  /** `unsynced` records are written and not synced. */
  look(unsynced: number, limits: { readonly flushMessages: number; readonly flushMs: number }): void {
    if (unsynced === 0) return;
    if (unsynced >= limits.flushMessages) return this.#sync();
    const { flushMs } = limits;
    if (flushMs < 0 || flushMs > TIMER_MS_MAX || this.#timer !== null) return;
    this.#timer = this.#clock.after(flushMs, () => {
      this.#timer = null;
      this.#sync();
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = null;
  }
}
