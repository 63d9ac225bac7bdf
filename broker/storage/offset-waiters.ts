import type { Offset } from "../base/ids.ts";

interface Waiter {
  readonly offset: Offset;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Those who wait until an end has reached their offset. */
export class OffsetWaiters {
  #waiters: Waiter[] = [];

  /** Resolves when `reached(offset)` was called with at least `offset`; rejects with what `fail` was called with. */
  wait(offset: Offset): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#waiters.push({ offset, resolve, reject });
    return promise;
  }

  reached(end: Offset): void {
    if (this.#waiters.length === 0) return;
    const done = this.#waiters.filter(({ offset }) => offset <= end);
    this.#waiters = this.#waiters.filter(({ offset }) => offset > end);
    for (const { resolve } of done) resolve();
  }

  fail(error: unknown): void {
    const all = this.#waiters;
    this.#waiters = [];
    for (const { reject } of all) reject(error);
  }
}
