import type { Clock, Timer } from "../base/clock.ts";

/** A call that is due once, unless cancelled. */
export interface Deadline {
  cancel(): void;
}

interface Entry extends Deadline {
  bucket: Bucket | null;
  index: number;
  readonly onDue: () => void;
}

interface Bucket {
  readonly dueMs: number;
  readonly entries: Entry[];
}

/** Deadlines are rounded up to a multiple of this; longer waits more coarsely. */
const GRAIN_MS = 5;

/**
 * Tens of thousands of waits with one timer: entries due in the same few milliseconds share a bucket, and setting or
 * cancelling one costs a constant. A wait ends late by at most 5 ms or 2 % of its length, never early.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Bucket>();
  #timer: Timer | null = null;
  #armedForMs = Number.POSITIVE_INFINITY;
  #isStopped = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onDue` once, `delayMs` ≥ 0 from now. */
  after(delayMs: number, onDue: () => void): Deadline {
    const dueMs = this.#round(delayMs);
    let bucket = this.#buckets.get(dueMs);
    if (bucket === undefined) {
      bucket = { dueMs, entries: [] };
      this.#buckets.set(dueMs, bucket);
    }
    const entry: Entry = { bucket, index: bucket.entries.length, onDue, cancel: () => this.#remove(entry) };
    bucket.entries.push(entry);
    if (dueMs < this.#armedForMs) this.#arm(dueMs);
    return entry;
  }

  /** Forgets every wait; nothing is called any more. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
    this.#buckets.clear();
  }

  #round(delayMs: number): number {
    const grainMs = delayMs < 1000 ? GRAIN_MS : delayMs < 10_000 ? 20 * GRAIN_MS : 100 * GRAIN_MS;
    return Math.ceil((this.#clock.monotonic() + delayMs) / grainMs) * grainMs;
  }

  #remove(entry: Entry): void {
    const { bucket } = entry;
    if (bucket === null) return;
    entry.bucket = null;
    const last = bucket.entries.pop();
    if (last !== undefined && last !== entry) {
      bucket.entries[entry.index] = last;
      last.index = entry.index;
    }
    if (bucket.entries.length === 0 && this.#buckets.get(bucket.dueMs) === bucket) this.#buckets.delete(bucket.dueMs);
  }

  #arm(dueMs: number): void {
    if (this.#isStopped) return;
    this.#timer?.cancel();
    this.#armedForMs = dueMs;
    const delayMs = Math.max(0, dueMs - this.#clock.monotonic());
    this.#timer = this.#clock.after(delayMs, () => this.#fire());
  }

  #fire(): void {
    const nowMs = this.#clock.monotonic();
    this.#armedForMs = Number.POSITIVE_INFINITY;
    this.#timer = null;
    const due = [...this.#buckets.values()].filter((bucket) => bucket.dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const bucket of due) this.#buckets.delete(bucket.dueMs);
    for (const bucket of due) this.#ring(bucket);
    let next = Number.POSITIVE_INFINITY;
    for (const dueMs of this.#buckets.keys()) if (dueMs < next) next = dueMs;
    if (next < this.#armedForMs) this.#arm(next);
  }

  #ring(bucket: Bucket): void {
    for (const entry of [...bucket.entries]) {
      if (entry.bucket === null) continue;
      entry.bucket = null;
      entry.onDue();
    }
  }
}
