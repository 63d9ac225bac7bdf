import { keyOf, type Place } from "./places.ts";

/** A broker that may be given replicas. */
export interface Seat {
  readonly id: number;
  /** Brokers without one are each a rack of their own. */
  readonly rack: string | null;
}

/** A partition, with the assignment that it has or is on its way to. The preferred leader comes first. */
export interface Assigned extends Place {
  readonly replicas: readonly number[];
  /** What one copy of it takes; null when nobody could say. */
  readonly sizeBytes: number | null;
}

export interface Move extends Place {
  readonly from: readonly number[];
  readonly to: readonly number[];
  /** What is copied over the network; null when the size is not known. */
  readonly copyBytes: number | null;
}

export interface PlanInput {
  readonly partitions: readonly Assigned[];
  /** Where replicas may go. */
  readonly seats: readonly Seat[];
  /** Brokers that keep what they have and are given nothing: those that are away now. */
  readonly kept: readonly Seat[];
  /** Partitions that stay where they are, and count as load. */
  readonly others: readonly Assigned[];
}

/** Partitions that want more brokers than may have them. */
export type PlanProblem = { readonly kind: "tooFewBrokers"; readonly place: Place; readonly replicas: number };

/** How many replicas, or preferred leaderships, each broker has: of one topic, and of all. */
class Load {
  readonly #all = new Map<number, number>();
  readonly #byTopic = new Map<string, number>();

  change(topic: string, broker: number, by: number): void {
    this.#all.set(broker, this.total(broker) + by);
    this.#byTopic.set(`${broker}/${topic}`, this.of(topic, broker) + by);
  }

  move(topic: string, from: number, to: number): void {
    this.change(topic, from, -1);
    this.change(topic, to, 1);
  }

  total(broker: number): number {
    return this.#all.get(broker) ?? 0;
  }

  of(topic: string, broker: number): number {
    return this.#byTopic.get(`${broker}/${topic}`) ?? 0;
  }

  /** Whether one from `from` to `to` makes the topic more even, or all topics without making this one less so. */
  isMoreEven(topic: string, from: number, to: number): boolean {
    const ofTopic = this.of(topic, from) - this.of(topic, to);
    return ofTopic >= 2 || (ofTopic === 1 && this.total(from) - this.total(to) >= 2);
  }

  /** < 0 when `a` has less than `b`: of the topic, then of all. */
  compare(topic: string, a: number, b: number): number {
    return this.of(topic, a) - this.of(topic, b) || this.total(a) - this.total(b) || a - b;
  }
}

/** One partition while it is planned. */
interface Draft extends Assigned {
  readonly to: number[];
}

/**
 * Spreads partitions over brokers with as few copies as that takes. What counts, in this order: no replica on a broker
 * that may have none; each partition on as many racks as there are; each topic spread evenly; all replicas spread
 * evenly; then the same for preferred leaders, whose order within a partition costs no copy.
 *
 * Every step makes one of these better and none before it worse, so it ends. It looks at one replica at a time: a
 * better spread that only two moves at once would reach is not found.
 *
 * @returns only the partitions that change, in the order given.
 */
export function plan(input: PlanInput): readonly Move[] | PlanProblem {
  return new Planner(input).moves();
}

class Planner {
  readonly #drafts: readonly Draft[];
  readonly #seats: readonly number[];
  readonly #mayStay: ReadonlySet<number>;
  readonly #racks: ReadonlyMap<number, string>;
  readonly #replicas = new Load();
  readonly #leaders = new Load();

  constructor({ partitions, seats, kept, others }: PlanInput) {
    this.#drafts = partitions.map((one) => ({ ...one, to: [...one.replicas] }));
    this.#seats = seats.map(({ id }) => id);
    this.#mayStay = new Set([...seats, ...kept].map(({ id }) => id));
    this.#racks = new Map([...seats, ...kept].map(({ id, rack }) => [id, rack ?? `broker ${id}`]));
    for (const { topic, replicas } of [...partitions, ...others]) {
      for (const broker of replicas) this.#replicas.change(topic, broker, 1);
      if (replicas[0] !== undefined) this.#leaders.change(topic, replicas[0], 1);
    }
  }

  moves(): readonly Move[] | PlanProblem {
    for (const draft of this.#drafts) {
      if (!this.#vacate(draft)) return { kind: "tooFewBrokers", place: draft, replicas: draft.replicas.length };
    }
    // What is small moves first: the same evenness for fewer bytes.
    const bySize = this.#drafts.toSorted((a, b) => (a.sizeBytes ?? 0) - (b.sizeBytes ?? 0));
    untilNothingChanges(bySize, (draft) => this.#spread(draft));
    for (const { topic, replicas, to } of this.#drafts) {
      if (replicas[0] !== to[0]) this.#leaders.move(topic, replicas[0]!, to[0]!);
    }
    untilNothingChanges(this.#drafts, (draft) => this.#lead(draft));
    return this.#drafts.filter(({ replicas, to }) => to.some((broker, at) => broker !== replicas[at])).map(moveOf);
  }

  /** Replaces replicas on brokers that may have none. False when no broker is left for one. */
  #vacate(draft: Draft): boolean {
    for (const [at, broker] of draft.to.entries()) {
      if (this.#mayStay.has(broker)) continue;
      const next = this.#best(draft, at);
      if (next === null) return false;
      this.#place(draft, at, next);
    }
    return true;
  }

  /** Moves one replica where that makes anything better. */
  #spread(draft: Draft): boolean {
    for (const [at, broker] of draft.to.entries()) {
      if (!this.#seats.includes(broker)) continue;
      const next = this.#best(draft, at);
      if (next === null) continue;
      const [rackNow, rackThen] = [this.#neighbours(draft, at, broker), this.#neighbours(draft, at, next)];
      const isBetter = rackThen < rackNow || (rackThen === rackNow && this.#isMoreEven(draft, broker, next));
      if (!isBetter) continue;
      this.#place(draft, at, next);
      return true;
    }
    return false;
  }

  #isMoreEven({ topic }: Draft, from: number, to: number): boolean {
    return this.#replicas.isMoreEven(topic, from, to);
  }

  /** Puts another replica first where that spreads preferred leaders better. */
  #lead({ topic, to }: Draft): boolean {
    const first = to[0];
    if (first === undefined) return false;
    const [best] = to
      .filter((broker) => this.#seats.includes(broker))
      .sort((a, b) => this.#leaders.compare(topic, a, b));
    if (best === undefined || best === first || !this.#leaders.isMoreEven(topic, first, best)) return false;
    const at = to.indexOf(best);
    [to[0], to[at]] = [best, first];
    this.#leaders.move(topic, first, best);
    return true;
  }

  /** The broker that suits best instead of the replica at that place, if any has none of this partition yet. */
  #best(draft: Draft, at: number): number | null {
    let best: number | null = null;
    for (const seat of this.#seats) {
      if (draft.to.includes(seat)) continue;
      const isBetter = best === null || this.#compare(draft, at, seat, best) < 0;
      if (isBetter) best = seat;
    }
    return best;
  }

  #compare(draft: Draft, at: number, a: number, b: number): number {
    const racks = this.#neighbours(draft, at, a) - this.#neighbours(draft, at, b);
    return racks || this.#replicas.compare(draft.topic, a, b);
  }

  /** How many of the partition's other replicas stand in a broker's rack. */
  #neighbours({ to }: Draft, at: number, broker: number): number {
    const rack = this.#racks.get(broker);
    return to.filter((other, index) => index !== at && this.#racks.get(other) === rack).length;
  }

  #place({ topic, to }: Draft, at: number, next: number): void {
    this.#replicas.move(topic, to[at]!, next);
    to[at] = next;
  }
}

function untilNothingChanges(drafts: readonly Draft[], improve: (draft: Draft) => boolean): void {
  let hasChanged = true;
  while (hasChanged) {
    hasChanged = false;
    for (const draft of drafts) while (improve(draft)) hasChanged = true;
  }
}

function moveOf({ topic, partition, replicas: from, to, sizeBytes }: Draft): Move {
  const copies = to.filter((broker) => !from.includes(broker)).length;
  return { topic, partition, from, to, copyBytes: copies === 0 ? 0 : sizeBytes === null ? null : sizeBytes * copies };
}

/** What all moves together copy; null when that of one is not known. */
export function copyBytesOf(moves: readonly Move[]): number | null {
  let sum = 0;
  for (const { copyBytes } of moves) {
    if (copyBytes === null) return null;
    sum += copyBytes;
  }
  return sum;
}

/** Partitions of `all` that are not in `chosen`. */
export function without<P extends Place>(all: readonly P[], chosen: readonly Place[]): P[] {
  const keys = new Set(chosen.map(keyOf));
  return all.filter((one) => !keys.has(keyOf(one)));
}
