import { assert } from "#base/assert.ts";
import type { BrokerId } from "#base/ids.ts";
import { targetOf } from "./reassignment.ts";
import { hasLeader, type State } from "./state.ts";

export interface Seat {
  readonly id: BrokerId;
  readonly rack: string | null;
  readonly isAvailable: boolean;
  /** Position in the rotation that decides between equals. */
  readonly position: number;
  leaders: number;
  replicas: number;
}

/**
 * Chooses replicas for new partitions: each on as many racks as there are, leaders and replicas spread evenly over the
 * brokers, counting what they hold already. Brokers that are away get replicas only when the others do not suffice.
 *
 * @param shape.start  ≥ 0; where the rotation between equals begins.
 * @returns per partition the replicas, the preferred leader first.
 */
export function place(
  state: State,
  shape: { partitionCount: number; replicationFactor: number; start: number },
): BrokerId[][] {
  const seats = seatsOf(state);
  assert(shape.replicationFactor <= seats.length, "placement is asked only for what the brokers can hold");
  const placed: BrokerId[][] = [];
  for (let partition = 0; partition < shape.partitionCount; partition++) {
    placed.push(placeOne(seats, shape.replicationFactor, shape.start + partition));
  }
  return placed;
}

export function seatsOf(state: State): Seat[] {
  const brokers = [...state.brokers.values()].sort((a, b) => a.id - b.id);
  const seats = brokers.map((broker, position): Seat => {
    const isAvailable = !broker.isFenced && !broker.isShuttingDown && !broker.isDraining;
    return { id: broker.id, rack: broker.rack, isAvailable, position, leaders: 0, replicas: 0 };
  });
  const byId = new Map(seats.map((seat) => [seat.id, seat]));
  for (const rows of state.partitions.values()) {
    for (const row of rows) {
      for (const replica of targetOf(row)) {
        const seat = byId.get(replica);
        if (seat !== undefined) seat.replicas++;
      }
      // The preferred leader is what placement spreads; who leads right now is a matter of who was away.
      const first = hasLeader(row) ? byId.get(row.replicas[0] ?? row.leader) : undefined;
      if (first !== undefined) first.leaders++;
    }
  }
  return seats;
}

function placeOne(seats: readonly Seat[], replicationFactor: number, turn: number): BrokerId[] {
  const chosen: Seat[] = [];
  const rackUse = new Map<string | null, number>();
  while (chosen.length < replicationFactor) {
    const isLeader = chosen.length === 0;
    let best: Seat | null = null;
    for (const seat of seats) {
      if (chosen.includes(seat)) continue;
      if (best === null || isBetter(seat, best, { isLeader, rackUse, turn, count: seats.length })) best = seat;
    }
    assert(best !== null, "there are at least as many brokers as replicas");
    chosen.push(best);
    best.replicas++;
    if (isLeader) best.leaders++;
    // Brokers without a rack are each their own.
    if (best.rack !== null) rackUse.set(best.rack, (rackUse.get(best.rack) ?? 0) + 1);
  }
  return chosen.map((seat) => seat.id);
}

function isBetter(
  a: Seat,
  b: Seat,
  on: { isLeader: boolean; rackUse: ReadonlyMap<string | null, number>; turn: number; count: number },
): boolean {
  if (a.isAvailable !== b.isAvailable) return a.isAvailable;
  const [rackA, rackB] = [on.rackUse.get(a.rack) ?? 0, on.rackUse.get(b.rack) ?? 0];
  if (rackA !== rackB) return rackA < rackB;
  if (on.isLeader && a.leaders !== b.leaders) return a.leaders < b.leaders;
  if (a.replicas !== b.replicas) return a.replicas < b.replicas;
  const rank = (seat: Seat): number => (seat.position - (on.turn % on.count) + on.count) % on.count;
  return rank(a) < rank(b);
}
