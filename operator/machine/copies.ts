import type { BrokerId } from "#base/ids.ts";
import type { PartitionRow, TopicRow } from "#contract/rows.ts";
import type { Change } from "./changes.ts";
import { minInsyncReplicasOf } from "./min-isr.ts";
import { type Seat, seatsOf } from "./placement.ts";
import { isReassigning, retargeted, targetOf } from "./reassignment.ts";
import { allPartitions, type State } from "./state.ts";

/** A plan to level brokers looks ahead no further: it is made anew once so many have moved. */
const LEVELLED_MAX = 1000;

/** A partition that is to go elsewhere. */
export interface Relocation {
  readonly topic: TopicRow;
  readonly row: PartitionRow;
  readonly target: readonly BrokerId[];
}

/** What is to be moved, in order, and how many partitions of that cannot be placed anywhere now. */
export interface RelocationPlan {
  readonly relocations: readonly Relocation[];
  readonly unplaced: number;
}

export const NO_PLAN: RelocationPlan = { relocations: [], unplaced: 0 };

/** The first of a plan, as many as keep the reassignments under way at `countMax`. */
export function begin(
  state: State,
  plan: RelocationPlan,
  countMax: number,
): { changes: Change[]; underWay: number; remaining: number } {
  const underWay = [...allPartitions(state)].filter(({ row }) => isReassigning(row)).length;
  const changes: Change[] = [];
  for (const { topic, row, target } of plan.relocations) {
    // One that is on its way already takes no further place.
    if (underWay + changes.length >= countMax && !isReassigning(row)) continue;
    const next = retargeted(row, target, minInsyncReplicasOf(state, topic));
    // One that cannot be sent elsewhere now is looked at again.
    if (typeof next !== "string" && next !== row) changes.push({ kind: "partition", row: next });
  }
  return { changes, underWay, remaining: underWay + plan.relocations.length + plan.unplaced };
}

const isDraining = (state: State, broker: BrokerId): boolean => state.brokers.get(broker)?.isDraining ?? false;

/**
 * null, or why not every partition of a broker finds a place without it: as many replicas as now must fit onto the
 * brokers that stay.
 */
export function drainProblem(state: State, broker: BrokerId): string | null {
  const leaves = (id: BrokerId): boolean => id === broker || isDraining(state, id);
  const stay = [...state.brokers.keys()].filter((id) => !leaves(id));
  for (const { topic, row } of allPartitions(state)) {
    const target = targetOf(row);
    // What is still on a broker that is drained already needs its place, too.
    if (!target.some(leaves) || target.length <= stay.length) continue;
    return (
      `${topic.name}-${row.partition} has ${target.length} replicas, but without broker ${broker} only ` +
      `${stay.length} broker(s) are left to hold them; add a broker or lower its replication factor`
    );
  }
  return null;
}

/** Where everything goes that brokers hold which are being drained. What is on its way already is not in it. */
export function drainPlan(state: State): RelocationPlan {
  const places = new Places(state);
  const relocations: Relocation[] = [];
  let unplaced = 0;
  for (const { topic, row } of allPartitions(state)) {
    let target: readonly BrokerId[] | null = targetOf(row);
    for (const leaving of target.filter((broker) => isDraining(state, broker))) {
      target = target === null ? null : places.replaced(target, leaving);
    }
    if (target === null) unplaced++;
    else if (target.some((broker, index) => broker !== targetOf(row)[index])) relocations.push({ topic, row, target });
  }
  return { relocations, unplaced };
}

/**
 * Moves that give brokers which hold less their share: from the fullest to the emptiest, as long as two differ by more
 * than one replica, and never onto fewer racks. Each replica moves at most once.
 */
export function rebalancePlan(state: State): RelocationPlan {
  const places = new Places(state);
  const movable = [...allPartitions(state)].filter(({ row }) => !isReassigning(row));
  const relocations: Relocation[] = [];
  const taken = new Set<PartitionRow>();
  while (relocations.length < LEVELLED_MAX) {
    const next = places.levelling(movable.filter(({ row }) => !taken.has(row)));
    if (next === null) break;
    taken.add(next.row);
    relocations.push(next);
  }
  return { relocations, unplaced: 0 };
}

/**
 * Where the partitions of a topic go that have, or are on their way to, another number of replicas: new ones onto other
 * racks and the emptiest brokers; those that are away, drained or crowded leave first, the leader last.
 *
 * @param replicationFactor  ≥ 1.
 */
export function resizePlan(state: State, topic: TopicRow, replicationFactor: number): RelocationPlan {
  const places = new Places(state);
  const relocations: Relocation[] = [];
  let unplaced = 0;
  for (const row of state.partitions.get(topic.topicId) ?? []) {
    let target: readonly BrokerId[] | null = targetOf(row);
    if (target.length === replicationFactor) continue;
    while (target !== null && target.length < replicationFactor) target = places.enlarged(target);
    while (target !== null && target.length > replicationFactor) target = places.reduced(target, row);
    if (target === null) unplaced++;
    else relocations.push({ topic, row, target });
  }
  return { relocations, unplaced };
}

/** Brokers that replicas can be put on, with what they hold while a plan is made. */
class Places {
  readonly #seats: Map<BrokerId, Seat>;

  constructor(state: State) {
    this.#seats = new Map(seatsOf(state).map((seat) => [seat.id, seat]));
  }

  /** The assignment with another broker in the place of `leaving`; null when there is none now. */
  replaced(target: readonly BrokerId[], leaving: BrokerId): BrokerId[] | null {
    const isFirst = target[0] === leaving;
    const best = this.#bestBeside(
      target.filter((broker) => broker !== leaving),
      { without: target, isFirst },
    );
    if (best === null) return null;
    this.#moved({ from: leaving, to: best.id, isFirst });
    return target.map((broker) => (broker === leaving ? best.id : broker));
  }

  /** The assignment with one broker more; null when there is none now. */
  enlarged(target: readonly BrokerId[]): BrokerId[] | null {
    const best = this.#bestBeside(target, { without: target, isFirst: false });
    if (best === null) return null;
    best.replicas++;
    return [...target, best.id];
  }

  /** The assignment with one broker less. */
  reduced(target: readonly BrokerId[], { leader, isr }: PartitionRow): BrokerId[] {
    const cost = (broker: BrokerId): number[] => {
      const seat = this.#seats.get(broker);
      const racks = this.#racksOf(target.filter((other) => other !== broker));
      const crowded = seat === undefined ? 0 : crowding(racks, seat);
      const isUseful = seat?.isAvailable === true && isr.includes(broker);
      return [broker === leader ? 1 : 0, isUseful ? 1 : 0, -crowded, -(seat?.replicas ?? 0)];
    };
    const [leaving] = target.toReversed().toSorted((a, b) => compare(cost(a), cost(b)));
    const seat = leaving === undefined ? undefined : this.#seats.get(leaving);
    if (seat !== undefined) seat.replicas--;
    return target.filter((broker) => broker !== leaving);
  }

  #bestBeside(
    others: readonly BrokerId[],
    { without, isFirst }: { without: readonly BrokerId[]; isFirst: boolean },
  ): Seat | null {
    const free = [...this.#seats.values()].filter((seat) => seat.isAvailable && !without.includes(seat.id));
    const racks = this.#racksOf(others);
    const rank = (seat: Seat): number[] => [crowding(racks, seat), isFirst ? seat.leaders : 0, seat.replicas, seat.id];
    return free.toSorted((a, b) => compare(rank(a), rank(b)))[0] ?? null;
  }

  /** One move that makes the brokers more alike; null when there is none. */
  levelling(movable: readonly { topic: TopicRow; row: PartitionRow }[]): Relocation | null {
    const seats = [...this.#seats.values()].filter((seat) => seat.isAvailable);
    const byFill = seats.sort((a, b) => a.replicas - b.replicas || a.id - b.id);
    for (const receiver of byFill) {
      for (const donor of byFill.toReversed()) {
        if (donor.replicas - receiver.replicas <= 1) break;
        const found = this.#transfer(movable, { donor, receiver });
        if (found !== null) return found;
      }
    }
    return null;
  }

  #transfer(
    movable: readonly { topic: TopicRow; row: PartitionRow }[],
    { donor, receiver }: { donor: Seat; receiver: Seat },
  ): Relocation | null {
    // A preferred leadership goes along where the receiver has too few of them, and only there.
    const wantsFirst = donor.leaders - receiver.leaders > 1;
    const possible = movable.filter(({ row }) => this.#isPossible(row.replicas, { donor, receiver }));
    const chosen = possible.find(({ row }) => (row.replicas[0] === donor.id) === wantsFirst) ?? possible[0];
    if (chosen === undefined) return null;
    const { topic, row } = chosen;
    this.#moved({ from: donor.id, to: receiver.id, isFirst: row.replicas[0] === donor.id });
    return { topic, row, target: row.replicas.map((broker) => (broker === donor.id ? receiver.id : broker)) };
  }

  #isPossible(replicas: readonly BrokerId[], { donor, receiver }: { donor: Seat; receiver: Seat }): boolean {
    if (!replicas.includes(donor.id) || replicas.includes(receiver.id)) return false;
    const racks = this.#racksOf(replicas.filter((broker) => broker !== donor.id));
    return crowding(racks, receiver) <= crowding(racks, donor);
  }

  #racksOf(brokers: readonly BrokerId[]): (string | null)[] {
    return brokers.map((broker) => this.#seats.get(broker)?.rack ?? null);
  }

  #moved({ from, to, isFirst }: { from: BrokerId; to: BrokerId; isFirst: boolean }): void {
    const [donor, receiver] = [this.#seats.get(from), this.#seats.get(to)];
    if (donor !== undefined) donor.replicas--;
    if (receiver !== undefined) receiver.replicas++;
    if (!isFirst) return;
    if (donor !== undefined) donor.leaders--;
    if (receiver !== undefined) receiver.leaders++;
  }
}

/** How many of the other replicas are on a broker's rack already. Brokers without a rack are each their own. */
const crowding = (racks: readonly (string | null)[], { rack }: Seat): number =>
  rack === null ? 0 : racks.filter((other) => other === rack).length;

/** By the first number that differs. */
function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
