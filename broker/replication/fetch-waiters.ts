import type { Offset } from "../base/ids.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";
import type { Replica, ReplicaListener } from "./replica.ts";

/** One partition of a fetch that waits: readable from `from` on, of which at most `maxBytes` count. */
export interface FetchedPartition {
  readonly replica: Replica;
  readonly from: Offset;
  readonly maxBytes: number;
}

export interface FetchWait {
  readonly partitions: readonly FetchedPartition[];
  readonly minBytes: number;
  readonly maxWaitMs: number;
}

/** A wait that may be taken back, when its connection is gone. */
export interface PendingFetch {
  cancel(): void;
}

class Waiter implements ReplicaListener, PendingFetch {
  readonly #wait: FetchWait;
  readonly #done: () => void;
  readonly #epochs: readonly number[];
  #deadline: Deadline | null = null;
  #isDone = false;

  constructor(wait: FetchWait, done: () => void) {
    this.#wait = wait;
    this.#done = done;
    this.#epochs = wait.partitions.map(({ replica }) => replica.leaderEpoch);
  }

  start(deadlines: Deadlines): void {
    for (const { replica } of this.#wait.partitions) replica.listen(this);
    this.#deadline = deadlines.after(this.#wait.maxWaitMs, () => this.#end());
  }

  onReplicaChange(): void {
    if (!this.#isDone && this.isSatisfied()) this.#end();
  }

  cancel(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#deadline?.cancel();
    for (const { replica } of this.#wait.partitions) replica.unlisten(this);
  }

  /** Enough to read, or something that a read has to report. */
  isSatisfied(): boolean {
    const { partitions, minBytes } = this.#wait;
    let bytes = 0;
    for (let at = 0; at < partitions.length; at++) {
      const one = partitions[at];
      if (one === undefined) continue;
      if (one.replica.role !== "leader" || one.replica.leaderEpoch !== this.#epochs[at]) return true;
      const readable = one.replica.readableBytes(one.from, one.maxBytes);
      if (readable === null) return true;
      bytes += readable;
      if (bytes >= minBytes) return true;
    }
    return false;
  }

  #end(): void {
    if (this.#isDone) return;
    this.cancel();
    this.#done();
  }
}

/**
 * Calls `done` once: when at least `minBytes` can be read by a consumer from the partitions together, when one of them
 * has an error to report (leadership lost, offset out of range), or after `maxWaitMs`. At once when that holds
 * already; the caller then reads again.
 */
export function waitForFetch(deadlines: Deadlines, wait: FetchWait, done: () => void): PendingFetch {
  const waiter = new Waiter(wait, done);
  if (wait.maxWaitMs <= 0 || wait.partitions.length === 0 || waiter.isSatisfied()) {
    done();
    return { cancel() {} };
  }
  waiter.start(deadlines);
  return waiter;
}
