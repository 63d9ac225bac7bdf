import { assert } from "../base/assert.ts";
import type { Offset } from "../base/ids.ts";

export interface LogEndsAtOpen {
  readonly logStart: Offset;
  readonly logEnd: Offset;
  readonly syncedEnd: Offset;
  /** Whether only what is synced counts for acks. */
  readonly mustSync: boolean;
}

/** How far one log reaches, at each level of certainty: syncedEnd, durableEnd ≤ writtenEnd ≤ logEnd. */
export class LogEnds {
  #logStart: Offset;
  #keptStart: Offset;
  #logEnd: Offset;
  #writtenEnd: Offset;
  #syncedEnd: Offset;
  #durableEnd: Offset;

  constructor(open: LogEndsAtOpen) {
    this.#logStart = open.logStart;
    this.#keptStart = open.logStart;
    this.#logEnd = open.logEnd;
    this.#writtenEnd = open.logEnd;
    this.#syncedEnd = open.syncedEnd;
    this.#durableEnd = open.mustSync ? open.syncedEnd : open.logEnd;
  }

  get logStart(): Offset {
    return this.#logStart;
  }

  get keptStart(): Offset {
    return this.#keptStart;
  }

  get logEnd(): Offset {
    return this.#logEnd;
  }

  get writtenEnd(): Offset {
    return this.#writtenEnd;
  }

  get syncedEnd(): Offset {
    return this.#syncedEnd;
  }

  get durableEnd(): Offset {
    return this.#durableEnd;
  }

  appended(end: Offset): void {
    this.#logEnd = end;
  }

  written(end: Offset): void {
    assert(end <= this.#logEnd, "what is written was appended");
    this.#writtenEnd = end;
  }

  synced(end: Offset): void {
    assert(end <= this.#writtenEnd, "what is synced was written");
    if (end > this.#syncedEnd) this.#syncedEnd = end;
  }

  /** Moves the end that counts for acks to where it may be; true when it rose. It never falls by a setting. */
  moveDurable({ mustSync }: { mustSync: boolean }): boolean {
    const end = mustSync ? this.#syncedEnd : this.#writtenEnd;
    if (end <= this.#durableEnd) return false;
    this.#durableEnd = end;
    return true;
  }

  /** Hides what lies below `start`; never goes back, never beyond the log's end. */
  hideBelow(start: Offset): void {
    this.#logStart = Math.max(this.#logStart, Math.min(start, this.#logEnd)) as Offset;
  }

  /** All that was appended before the log began at `start` is synced. */
  keepStart(start: Offset): void {
    if (start > this.#keptStart) this.#keptStart = start;
  }

  /** The records at and above `end` are gone; nothing was waiting to be written. */
  cutTo(end: Offset): void {
    const least = (one: Offset): Offset => (one < end ? one : end);
    this.#logStart = least(this.#logStart);
    this.#keptStart = least(this.#keptStart);
    this.#logEnd = end;
    this.#writtenEnd = end;
    this.#syncedEnd = least(this.#syncedEnd);
    this.#durableEnd = least(this.#durableEnd);
  }

  /** The log is empty and goes on at `start`. */
  restartAt(start: Offset): void {
    this.cutTo(start);
    this.#logStart = start;
    this.#keptStart = start;
  }
}
