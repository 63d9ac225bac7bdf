import type { Clock, Timer } from "../clock.ts";

interface Scheduled {
  readonly atMs: number;
  readonly order: number;
  readonly fn: () => void;
}

/** A clock that moves only when told. */
export class FakeClock implements Clock {
  #nowMs = 1_000_000;
  #order = 0;
  readonly #scheduled = new Set<Scheduled>();

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fn: () => void): Timer {
    const scheduled: Scheduled = { atMs: this.#nowMs + delayMs, order: this.#order++, fn };
    this.#scheduled.add(scheduled);
    return { cancel: () => this.#scheduled.delete(scheduled) };
  }

  soon(fn: () => void): void {
    queueMicrotask(fn);
  }

  /** Moves time on, calling what falls due, in order; promises settle between two calls. */
  async advance(byMs: number): Promise<void> {
    const endMs = this.#nowMs + byMs;
    for (;;) {
      await settle();
      const next = this.#next(endMs);
      if (next === undefined) break;
      this.#scheduled.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.fn();
    }
    this.#nowMs = endMs;
    await settle();
  }

  /** Time has moved on while nothing ran: what is overdue runs late, at the next `advance`. */
  jump(byMs: number): void {
    this.#nowMs += byMs;
  }

  #next(endMs: number): Scheduled | undefined {
    let first: Scheduled | undefined;
    for (const one of this.#scheduled) {
      if (one.atMs > endMs) continue;
      if (first === undefined || one.atMs < first.atMs || (one.atMs === first.atMs && one.order < first.order)) {
        first = one;
      }
    }
    return first;
  }
}

/** Lets every promise that can settle now do so. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
