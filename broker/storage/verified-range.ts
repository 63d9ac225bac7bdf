/** A batch that was verified so long ago is verified again when it is read. Milliseconds. */
export const VERIFIED_MS_MAX = 10 * 60_000;
const MARK_MS = 60_000;

/** All from `position` on was verified at or after `atMs`. */
interface Mark {
  readonly position: number;
  readonly atMs: number;
}

/**
 * The one stretch of a file whose batches have been verified lately, by whoever wrote or read them: until they are
 * due again their checksums tell nothing new (docs/adr/0020). Positions are bytes, times those of a monotonic clock.
 */
export class VerifiedRange {
  /** Oldest first, at most one a minute. */
  #marks: Mark[] = [];
  #end = 0;

  /** Whether all of `from` … `to` was verified within the last ten minutes. */
  holds(from: number, to: number, nowMs: number): boolean {
    const start = this.#startAt(nowMs);
    return start !== null && start <= from && to <= this.#end;
  }

  /** `from` … `to` is verified. Where it does not continue what is known, that is forgotten. */
  extend(from: number, to: number, nowMs: number): void {
    const start = this.#startAt(nowMs);
    if (start === null || from < start || from > this.#end) {
      this.#marks = [{ position: from, atMs: nowMs }];
      this.#end = to;
      return;
    }
    if (to <= this.#end) return;
    if (nowMs - this.#marks.at(-1)!.atMs >= MARK_MS) this.#marks.push({ position: this.#end, atMs: nowMs });
    this.#end = to;
  }

  /** What stands at `position` and above has gone. */
  cutTo(position: number): void {
    if (position >= this.#end) return;
    this.#marks = this.#marks.filter((mark) => mark.position < position);
    this.#end = position;
  }

  #startAt(nowMs: number): number | null {
    while (this.#marks[0] !== undefined && nowMs - this.#marks[0].atMs >= VERIFIED_MS_MAX) this.#marks.shift();
    return this.#marks[0]?.position ?? null;
  }
}
