import type { SeededRandom } from "./random.ts";

/** Whoever events happen to. A paused owner's events wait; a dead one's never happen. */
export interface Owner {
  readonly state: "running" | "paused" | "dead";
  readonly held: Entry[];
  /** An event of this owner threw: in production the process would end. */
  onThrow(error: unknown): void;
}

export interface Entry {
  timeUs: number;
  tie: number;
  readonly owner: Owner | null;
  readonly run: () => void;
  isCancelled: boolean;
}

const isBefore = (a: Entry, b: Entry): boolean => (a.timeUs !== b.timeUs ? a.timeUs < b.timeUs : a.tie < b.tie);

/** Runs the promise callbacks that wait, synchronously: what node does itself after each callback from outside. */
const drainMicrotasks = (process as unknown as { _tickCallback(): void })._tickCallback;

/**
 * Virtual time: one queue of events, each run to its end with all promise callbacks that follow from it. Events of
 * one instant run in an order drawn from the seed. The rooms use no other asynchrony than promises, so when the
 * callbacks are drained nothing is under way but what stands in the queue.
 */
export class Scheduler {
  nowUs = 0;
  executed = 0;
  /** A running sum over everything that happened: equal digests mean equal runs. */
  digest = 0x811c9dc5;
  /** After each event: what was gathered during it goes out. */
  onTurnEnd: () => void = () => {};
  /** Whose event runs now; null for the world itself. */
  current: Owner | null = null;
  readonly #random: SeededRandom;
  readonly #heap: Entry[] = [];

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  get pending(): number {
    return this.#heap.length;
  }

  /** Calls `run` in `delayUs` microseconds of virtual time. */
  after(delayUs: number, owner: Owner | null, run: () => void): Entry {
    const timeUs = this.nowUs + Math.max(0, Math.round(delayUs));
    const entry: Entry = { timeUs, tie: this.#random.bits(), owner, run, isCancelled: false };
    this.#push(entry);
    return entry;
  }

  /** Adds to the digest something that happened. */
  note(value: number): void {
    this.digest = Math.imul(this.digest ^ (value | 0), 0x01000193) >>> 0;
  }

  /** What a paused owner's events waited for is over: they happen now, in their order. */
  release(owner: Owner): void {
    let delayUs = 1;
    for (const entry of owner.held) if (!entry.isCancelled) this.after(delayUs++, owner, entry.run);
    owner.held.length = 0;
  }

  /** Runs the next event; false when there is none. */
  step(): boolean {
    for (;;) {
      const entry = this.#pop();
      if (entry === undefined) return false;
      if (entry.isCancelled) continue;
      this.nowUs = entry.timeUs;
      const { owner } = entry;
      if (owner === null || owner.state === "running") {
        this.#run(entry, owner);
        return true;
      }
      if (owner.state === "paused") owner.held.push(entry);
    }
  }

  #run(entry: Entry, owner: Owner | null): void {
    this.executed++;
    this.note(entry.timeUs);
    this.current = owner;
    try {
      entry.run();
    } catch (error) {
      if (owner === null) throw error;
      owner.onThrow(error);
    }
    drainMicrotasks();
    this.current = null;
    this.onTurnEnd();
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent] as Entry;
      if (!isBefore(entry, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): Entry | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      const left = at * 2 + 1;
      if (left >= heap.length) break;
      const right = left + 1;
      const child = right < heap.length && isBefore(heap[right] as Entry, heap[left] as Entry) ? right : left;
      if (!isBefore(heap[child] as Entry, last)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}
