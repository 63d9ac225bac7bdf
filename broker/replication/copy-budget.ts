import type { Clock } from "../base/clock.ts";

/** A rate that was raised is noticed this soon. */
const WAIT_MS_MAX = 500;

/**
 * How fast a broker's leaders may feed replicas that are catching up, all of them together. A frame may always go out
 * once the ones before it are paid for; what it costs is paid by the time after it.
 */
export class CopyBudget {
  readonly #clock: Clock;
  readonly #rate: () => number;
  #debtBytes = 0;
  #paidAtMs: number;

  /** @param rate  Bytes per second, > 0, as in force now. */
  constructor(clock: Clock, rate: () => number) {
    this.#clock = clock;
    this.#rate = rate;
    this.#paidAtMs = clock.monotonic();
  }

  /** 0: the next frame may go out. Otherwise when to ask again, in milliseconds. */
  get waitMs(): number {
    this.#pay();
    const waitMs = (this.#debtBytes / this.#rate()) * 1000;
    // No timer waits for less, and without a throttle nothing is to wait.
    return waitMs < 1 ? 0 : Math.min(WAIT_MS_MAX, waitMs);
  }

  spend(bytes: number): void {
    this.#pay();
    this.#debtBytes += bytes;
  }

  #pay(): void {
    const nowMs = this.#clock.monotonic();
    if (this.#debtBytes > 0) {
      const paid = ((nowMs - this.#paidAtMs) / 1000) * this.#rate();
      this.#debtBytes = Math.max(0, this.#debtBytes - paid);
    }
    this.#paidAtMs = nowMs;
  }
}
