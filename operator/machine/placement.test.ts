import { describe, expect, test } from "@jest/globals";
import { place } from "./placement.ts";
import { Scenario } from "./testing/scenario.ts";

function clusterOf(racks: readonly string[]): Scenario {
  const scenario = new Scenario();
  for (const [index, rack] of racks.entries()) scenario.run(`register ${index} rack=${rack}`);
  return scenario;
}

const counts = (numbers: readonly number[]): number[] => {
  const found = new Map<number, number>();
  for (const number of numbers) found.set(number, (found.get(number) ?? 0) + 1);
  return [...found].sort(([a], [b]) => a - b).map(([, count]) => count);
};

describe("placement", () => {
  test("leaders and replicas are spread evenly over the brokers", () => {
    const { state } = clusterOf(["a", "b", "c", "d"]);
    const placed = place(state, { partitionCount: 40, replicationFactor: 3, start: 7 });
    expect(counts(placed.map((replicas) => replicas[0]!))).toEqual([10, 10, 10, 10]);
    expect(counts(placed.flat())).toEqual([30, 30, 30, 30]);
  });

  test("each partition is on as many racks as there are", () => {
    const { state } = clusterOf(["a", "a", "b", "b", "c", "c"]);
    const placed = place(state, { partitionCount: 30, replicationFactor: 3, start: 0 });
    const rackOf = (broker: number): number => broker >> 1;
    for (const replicas of placed) expect(new Set(replicas.map(rackOf)).size).toBe(3);
    expect(counts(placed.flat())).toEqual([15, 15, 15, 15, 15, 15]);
  });

  test("what brokers hold already counts", () => {
    const scenario = clusterOf(["a", "b", "c"]);
    scenario.run("create t on=0,1/0,1/0,1");
    const placed = place(scenario.state, { partitionCount: 3, replicationFactor: 1, start: 0 });
    expect(placed.flat()).toEqual([2, 1, 2]);
  });

  test("a broker that is away is the last choice", () => {
    const scenario = clusterOf(["a", "b", "c"]);
    scenario.run("lost 0");
    const two = place(scenario.state, { partitionCount: 6, replicationFactor: 2, start: 0 });
    expect(two.flat()).not.toContain(0);
    const three = place(scenario.state, { partitionCount: 6, replicationFactor: 3, start: 0 });
    for (const replicas of three) expect(replicas.indexOf(0 as never)).toBe(2);
  });

  test("no partition has a broker twice, whatever the start", () => {
    const { state } = clusterOf(["a", "a", "a", "b", "c"]);
    for (let start = 0; start < 20; start++) {
      for (const replicas of place(state, { partitionCount: 7, replicationFactor: 4, start })) {
        expect(new Set(replicas).size).toBe(4);
      }
    }
  });
});
