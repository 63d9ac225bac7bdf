import { assert } from "../base/assert.ts";
import { type LeaderEpoch, leaderEpoch, NO_EPOCH, type Offset, offset } from "../base/ids.ts";

/** The end of an epoch as OffsetForLeaderEpoch answers it; (−1, −1) when unknown. */
export interface EpochEnd {
  readonly epoch: LeaderEpoch;
  readonly endOffset: Offset;
}

export const UNKNOWN_EPOCH_END: EpochEnd = { epoch: NO_EPOCH, endOffset: -1 as Offset };

const LINE = /^(\d+) (\d+)$/;

/**
 * Where each leader epoch began in one log: epochs and offsets both rise. No I/O; the owner writes `encode()` to
 * `leader-epoch-checkpoint`. Source: KIP-101, KIP-279.
 */
export class LeaderEpochCache {
  readonly #epochs: LeaderEpoch[] = [];
  readonly #starts: Offset[] = [];

  /** Reads Kafka's checkpoint format; null when the content is none. */
  static decode(content: Uint8Array): LeaderEpochCache | null {
    const [version, count, ...lines] = new TextDecoder().decode(content).trimEnd().split("\n");
    if (version !== "0" || Number(count) !== lines.length) return null;
    const cache = new LeaderEpochCache();
    for (const line of lines) {
      const [, epoch, start] = LINE.exec(line) ?? [];
      if (epoch === undefined || start === undefined) return null;
      if (Number(epoch) <= cache.latest || Number(start) < (cache.#starts.at(-1) ?? 0)) return null;
      cache.#epochs.push(leaderEpoch(Number(epoch)));
      cache.#starts.push(offset(Number(start)));
    }
    return cache;
  }

  encode(): Uint8Array {
    const lines = this.#epochs.map((epoch, at) => `${epoch} ${this.#starts[at]}`);
    return new TextEncoder().encode(["0", String(lines.length), ...lines, ""].join("\n"));
  }

  /** The newest epoch known, also one without a record; −1 when none. */
  get latest(): LeaderEpoch {
    return this.#epochs.at(-1) ?? NO_EPOCH;
  }

  get size(): number {
    return this.#epochs.length;
  }

  /** Notes that `epoch` begins at `start`, if it is newer than any known. True when the cache changed. */
  assign(epoch: LeaderEpoch, start: Offset): boolean {
    if (epoch <= this.latest) return false;
    assert(start >= (this.#starts.at(-1) ?? 0), `epoch ${epoch} begins at ${start}, not below the epoch before it`);
    // An epoch in which nothing was written names no record: the newer one takes its place.
    while (this.#starts.at(-1) === start) {
      this.#epochs.pop();
      this.#starts.pop();
    }
    this.#epochs.push(epoch);
    this.#starts.push(start);
    return true;
  }

  /** Epoch of the record at `at`; −1 when unknown. */
  epochAt(at: Offset): LeaderEpoch {
    for (let index = this.#epochs.length - 1; index >= 0; index--) {
      if (this.#starts[index]! <= at) return this.#epochs[index]!;
    }
    return NO_EPOCH;
  }

  startOf(epoch: LeaderEpoch): Offset | null {
    const index = this.#epochs.indexOf(epoch);
    return index < 0 ? null : this.#starts[index]!;
  }

  /**
   * The greatest epoch ≤ `epoch` and where it ends. The latest one ends at `logEnd`; an epoch older than all known
   * ends where the first known begins (itself named); one newer than all known is unknown. Source: KIP-279.
   */
  endOffsetFor(epoch: LeaderEpoch, bounds: { logStart: Offset; logEnd: Offset }): EpochEnd {
    if (epoch < 0 || epoch > this.latest) return UNKNOWN_EPOCH_END;
    if (epoch === this.latest) return { epoch, endOffset: bounds.logEnd };
    let index = this.#epochs.length - 1;
    while (index >= 0 && this.#epochs[index]! > epoch) index--;
    const next = this.#starts[index + 1]!;
    const endOffset = next < bounds.logStart ? bounds.logStart : next;
    return { epoch: index < 0 ? epoch : this.#epochs[index]!, endOffset };
  }

  /** Forgets epochs that begin at or above `end`. True when the cache changed. */
  truncateFromEnd(end: Offset): boolean {
    const before = this.#epochs.length;
    while (this.#starts.length > 0 && this.#starts.at(-1)! >= end) {
      this.#starts.pop();
      this.#epochs.pop();
    }
    return this.#epochs.length !== before;
  }

  /** Forgets epochs that end at or below `start`. The one that `start` lies in, or the last, stays. */
  truncateFromStart(start: Offset): boolean {
    let drop = 0;
    while (drop + 1 < this.#starts.length && this.#starts[drop + 1]! <= start) drop++;
    this.#epochs.splice(0, drop);
    this.#starts.splice(0, drop);
    return drop > 0;
  }

  clear(): void {
    this.#epochs.length = 0;
    this.#starts.length = 0;
  }
}
