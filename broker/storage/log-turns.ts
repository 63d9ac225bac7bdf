import { assert } from "../base/assert.ts";

/** Work on one log's files that must not overlap (flushes, cuts, retention, swaps), and reads that notice it. */
export class LogTurns {
  readonly #failure: () => unknown;
  #turn: Promise<unknown> = Promise.resolve();
  /** +1 whenever records or their places change: what a reader found before is then worthless. */
  #generation = 0;
  /** +1 whenever segments at the start went: a reader that stumbled may have looked for one of them. */
  #removals = 0;
  #isCutting = false;
  #isSwapping = false;
  /** Looks at the files under way, and who waits for the last of them to end. */
  #looks = 0;
  #onUnlooked: () => void = () => undefined;

  /** `failure`: what has broken the log, null while nothing has. */
  constructor(failure: () => unknown) {
    this.#failure = failure;
  }

  /** Records at the end are being removed: nothing may be appended. */
  get isCutting(): boolean {
    return this.#isCutting;
  }

  /** Runs `work` when all that was asked before is done. Rejects when the log has failed. */
  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(async () => {
      if (this.#failure() !== null) throw this.#failure();
      return await work();
    });
    this.#turn = result.catch(() => undefined); // whoever asked is told
    return result;
  }

  /** Runs `work`, which removes records, once `idle` has resolved, its turn has come, and nobody looks at the files. */
  async cut(idle: () => Promise<void>, work: () => Promise<void>): Promise<void> {
    assert(!this.#isCutting, "a log is cut by one at a time");
    this.#isCutting = true;
    this.#generation++;
    try {
      await idle();
      await this.run(() => this.swap(work));
    } finally {
      this.#generation++;
      this.#isCutting = false;
    }
  }

  /**
   * Runs `work`, within a turn, which changes what stands in files of the same names. It waits for looks under way,
   * which could mix up the old and the new (a cached index, one being repaired); others wait until it is over.
   */
  async swap(work: () => Promise<void>): Promise<void> {
    assert(!this.#isSwapping, "files are swapped within a turn");
    this.#isSwapping = true;
    this.#generation++;
    try {
      if (this.#looks > 0) await new Promise<void>((resolve) => (this.#onUnlooked = resolve));
      await work();
    } finally {
      this.#generation++;
      this.#isSwapping = false;
    }
  }

  /** Segments at the log's start have gone. */
  removed(): void {
    this.#removals++;
  }

  /** Runs `look` over the files again when they changed, or the segment looked at went, in between. */
  async stable<T>(look: () => Promise<T>): Promise<T> {
    for (;;) {
      while (this.#isSwapping) await this.#turn;
      const [generation, removals] = [this.#generation, this.#removals];
      try {
        const found = await this.#counted(look);
        if (generation === this.#generation) return found;
      } catch (error) {
        if (generation === this.#generation && removals === this.#removals) throw error;
      }
      if (this.#isCutting) await this.#turn;
    }
  }

  async #counted<T>(look: () => Promise<T>): Promise<T> {
    this.#looks++;
    try {
      return await look();
    } finally {
      if (--this.#looks === 0) this.#onUnlooked();
    }
  }
}
