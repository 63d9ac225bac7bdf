import { describe, expect, test } from "@jest/globals";
import { type Assigned, copyBytesOf, type Move, plan, type PlanInput, type Seat } from "./reassign-plan.ts";

const seats = (...racks: (string | null)[]): Seat[] => racks.map((rack, id) => ({ id, rack }));
const plain = (count: number): Seat[] => seats(...Array.from({ length: count }, () => null));
const topic = (name: string, ...assignments: number[][]): Assigned[] =>
  assignments.map((replicas, partition) => ({ topic: name, partition, replicas, sizeBytes: 100 }));

function planned(input: Partial<PlanInput> & Pick<PlanInput, "partitions" | "seats">): readonly Move[] {
  const found = plan({ kept: [], others: [], ...input });
  if ("kind" in found) throw new Error(found.kind);
  return found;
}

/** Every partition's replicas once the moves are done. */
const after = (partitions: readonly Assigned[], moves: readonly Move[]): (readonly number[])[] =>
  partitions.map(
    (one) => moves.find((move) => move.topic === one.topic && move.partition === one.partition)?.to ?? one.replicas,
  );

const countsOf = (lists: readonly (readonly number[])[], brokers: number): number[] =>
  Array.from({ length: brokers }, (_, broker) => lists.flat().filter((one) => one === broker).length);
const spreadOf = (counts: readonly number[]): number => Math.max(...counts) - Math.min(...counts);

describe("a plan of moves", () => {
  test("changes nothing where all is even", () => {
    expect(planned({ partitions: topic("t", [0, 1], [1, 2], [2, 0]), seats: plain(3) })).toEqual([]);
  });

  test("gives a new broker its share, and copies no more than that takes", () => {
    const partitions = topic(
      "t",
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [0, 1, 2],
      [1, 2, 0],
      [2, 0, 1],
      [0, 1, 2],
      [1, 2, 0],
    );
    const moves = planned({ partitions, seats: plain(4) });
    const then = after(partitions, moves);
    expect(countsOf(then, 4)).toEqual([6, 6, 6, 6]);
    expect(copyBytesOf(moves)).toBe(6 * 100);
    expect(then.every((replicas) => new Set(replicas).size === 3)).toBe(true);
    expect(
      spreadOf(
        countsOf(
          then.map(([first]) => [first!]),
          4,
        ),
      ),
    ).toBeLessThanOrEqual(1);
  });

  test("empties a broker that is to go, and spreads what it had", () => {
    const partitions = topic("t", [0, 1], [1, 2], [2, 3], [3, 0], [3, 1], [0, 3]);
    const moves = planned({ partitions, seats: plain(3) });
    const then = after(partitions, moves);
    expect(then.flat()).not.toContain(3);
    expect(spreadOf(countsOf(then, 3))).toBe(0);
  });

  test("lets a broker that is away keep what it has, and gives it nothing", () => {
    const partitions = topic("t", [0, 3], [1, 3], [0, 1], [0, 1]);
    const then = after(partitions, planned({ partitions, seats: plain(3), kept: [{ id: 3, rack: null }] }));
    expect(then.flat().filter((broker) => broker === 3)).toHaveLength(2);
    expect(spreadOf(countsOf(then, 3))).toBe(0);
  });

  test("puts replicas on as many racks as there are, before it counts", () => {
    const partitions = topic("t", [0, 1], [0, 1], [2, 3]);
    const racks = ["a", "a", "b", "b"];
    const then = after(partitions, planned({ partitions, seats: seats(...racks) }));
    for (const replicas of then) expect(new Set(replicas.map((broker) => racks[broker])).size).toBe(2);
    expect(spreadOf(countsOf(then, 4))).toBeLessThanOrEqual(1);
  });

  test("never takes a rack from a partition for the sake of evenness", () => {
    const partitions = topic("t", [0, 2], [1, 2], [0, 2], [1, 2]);
    const then = after(partitions, planned({ partitions, seats: seats("a", "a", "b") }));
    expect(then.every((replicas) => replicas.includes(2))).toBe(true);
  });

  test("counts what other topics hold where a topic itself is even", () => {
    const others = topic("other", [0], [0], [0], [1], [1]);
    const partitions = topic("t", [0]);
    expect(planned({ partitions, seats: plain(3), others })).toEqual([
      { topic: "t", partition: 0, from: [0], to: [2], copyBytes: 100 },
    ]);
  });

  test("moves small partitions rather than large ones", () => {
    const partitions = topic("t", [0], [0], [1]).map((one) => ({ ...one, sizeBytes: one.partition === 1 ? 1 : 1000 }));
    expect(planned({ partitions, seats: plain(3) })).toMatchObject([{ partition: 1, to: [2], copyBytes: 1 }]);
  });

  test("spreads preferred leaders by order alone, which copies nothing", () => {
    const partitions = topic("t", [0, 1, 2], [0, 1, 2], [0, 1, 2]);
    const moves = planned({ partitions, seats: plain(3) });
    expect(copyBytesOf(moves)).toBe(0);
    const then = after(partitions, moves);
    expect(
      countsOf(
        then.map(([first]) => [first!]),
        3,
      ),
    ).toEqual([1, 1, 1]);
    expect(then.every((replicas) => new Set(replicas).size === 3)).toBe(true);
  });

  test("says that it does not know what a move copies when nobody could tell a size", () => {
    const partitions: Assigned[] = [{ topic: "t", partition: 0, replicas: [1], sizeBytes: null }];
    const moves = planned({ partitions, seats: plain(1) });
    expect(moves).toMatchObject([{ to: [0], copyBytes: null }]);
    expect(copyBytesOf(moves)).toBeNull();
  });

  test("is refused where fewer brokers are left than a partition has replicas", () => {
    const partitions = topic("t", [0, 1], [1, 2, 3]);
    expect(plan({ partitions, seats: plain(2), kept: [], others: [] })).toMatchObject({
      kind: "tooFewBrokers",
      place: { topic: "t", partition: 1 },
      replicas: 3,
    });
  });

  test("ends, and is stable: planned again, nothing moves", () => {
    const partitions = Array.from({ length: 5 }, (_, t) =>
      topic(`t${t}`, ...Array.from({ length: 13 }, (_, p) => [(p * t) % 7, (p * t + 1) % 7, (p * t + 3) % 7])),
    ).flat();
    const racks = seats("a", "a", "b", "b", "c", "c", null);
    const moves = planned({ partitions, seats: racks });
    const settled = partitions.map((one, at) => ({ ...one, replicas: after(partitions, moves)[at]! }));
    expect(planned({ partitions: settled, seats: racks })).toEqual([]);
  });
});
