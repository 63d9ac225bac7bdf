import type { Offset } from "../base/ids.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";

/** Kafka's codes for the ends of a wait. */
export const NONE = 0;
export const REQUEST_TIMED_OUT = 7;

interface Waiter {
  readonly lastOffset: Offset;
  readonly done: (errorCode: number) => void;
  deadline: Deadline | null;
  isDone: boolean;
}

/**
 * Requests that wait until an offset of one partition is passed, in the order of their offsets. Each ends exactly
 * once: passed, timed out, or failed together with all others.
 */
export class CommitWaiters {
  readonly #deadlines: Deadlines;
  /** Sorted by offset from `#first` on; what lies before is done. */
  #waiters: Waiter[] = [];
  #first = 0;

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines;
  }

  get size(): number {
    let size = 0;
    for (let at = this.#first; at < this.#waiters.length; at++) if (this.#waiters[at]?.isDone === false) size++;
    return size;
  }

  /** `done` is called with 0 once `passed` is told an offset above `lastOffset`. */
  add(lastOffset: Offset, options: { timeoutMs: number }, done: (errorCode: number) => void): void {
    const waiter: Waiter = { lastOffset, done, deadline: null, isDone: false };
    waiter.deadline = this.#deadlines.after(options.timeoutMs, () => this.#end(waiter, REQUEST_TIMED_OUT));
    let at = this.#waiters.length;
    // Almost always the end: only a repeated request waits for an earlier offset.
    while (at > this.#first && (this.#waiters[at - 1]?.lastOffset ?? -1) > lastOffset) at--;
    if (at === this.#waiters.length) this.#waiters.push(waiter);
    else this.#waiters.splice(at, 0, waiter);
  }

  /** Everything below `end` is there: ends the waits for it. */
  passed(end: Offset): void {
    for (;;) {
      const waiter = this.#waiters[this.#first];
      if (waiter === undefined || waiter.lastOffset >= end) break;
      this.#first++;
      this.#end(waiter, NONE);
    }
    this.#compact();
  }

  /** Ends every wait with one error. */
  fail(errorCode: number): void {
    const waiters = this.#waiters.slice(this.#first);
    this.#waiters = [];
    this.#first = 0;
    for (const waiter of waiters) this.#end(waiter, errorCode);
  }

  #end(waiter: Waiter, errorCode: number): void {
    if (waiter.isDone) return;
    waiter.isDone = true;
    waiter.deadline?.cancel();
    waiter.done(errorCode);
    if (errorCode === REQUEST_TIMED_OUT) this.#dropDone();
  }

  /** While the high watermark stands still only time-outs make room. */
  #dropDone(): void {
    while (this.#waiters[this.#first]?.isDone === true) this.#first++;
    this.#compact();
  }

  #compact(): void {
    if (this.#first === this.#waiters.length) {
      this.#waiters = [];
      this.#first = 0;
    } else if (this.#first > 64 && this.#first * 2 > this.#waiters.length) {
      this.#waiters = this.#waiters.slice(this.#first);
      this.#first = 0;
    }
  }
}
