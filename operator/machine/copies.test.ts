import { describe, expect, test } from "@jest/globals";
import { brokerId } from "#base/ids.ts";
import { drainPlan, drainProblem, rebalancePlan } from "./copies.ts";
import { Scenario } from "./testing/scenario.ts";

function scenarioOf(...lines: string[]): Scenario {
  const scenario = new Scenario();
  for (const line of lines) scenario.run(line);
  return scenario;
}

describe("what a drain moves", () => {
  test("keeps the racks apart, takes the emptiest, and leaves each replica its place in the order", () => {
    const { state } = scenarioOf(
      ...["register 1 rack=a", "register 2 rack=b", "register 3 rack=b", "register 4 rack=a", "register 5 rack=a"],
      "create t on=1,2/2,1",
      "create u on=4,3",
      "drain 1",
    );
    const { relocations, unplaced } = drainPlan(state);
    expect(relocations.map(({ topic, target }) => [topic.name, target])).toEqual([
      ["t", [5, 2]],
      ["t", [2, 4]],
    ]);
    expect(unplaced).toBe(0);
  });

  test("waits for a broker that can take it, and counts what waits", () => {
    const { state } = scenarioOf("register 1", "register 2", "create t on=1", "drain 1", "lost 2");
    expect(drainPlan(state)).toEqual({ relocations: [], unplaced: 1 });
  });

  test("two brokers that are drained together do not count on each other", () => {
    const scenario = scenarioOf("register 1", "register 2", "register 3", "create t on=1,2", "drain 1");
    expect(drainProblem(scenario.state, brokerId(3))).toContain("only 1 broker(s) are left");
  });

  test("what was on its way to a broker that is drained now goes elsewhere", () => {
    const { state } = scenarioOf(
      ...["register 1", "register 2", "register 3", "create t on=1", "create u on=1", "reassign t-0=2", "drain 2"],
    );
    expect(drainPlan(state).relocations.map(({ target }) => target)).toEqual([[3]]);
  });
});

describe("levelling brokers", () => {
  test("moves nothing when they differ by one at most", () => {
    const { state } = scenarioOf("register 1", "register 2", "register 3", "create t on=1,2/2,3");
    expect(rebalancePlan(state).relocations).toEqual([]);
  });

  test("moves each partition once, as few as it takes, and gives preferred leadership with them", () => {
    const twelve = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? "1,2" : "2,1")).join("/");
    const { state } = scenarioOf("register 1", "register 2", `create t on=${twelve}`, "register 3");
    const { relocations } = rebalancePlan(state);
    expect(relocations.length).toBe(8);
    expect(new Set(relocations.map(({ row }) => row.partition)).size).toBe(8);
    const isFirst = relocations.filter(({ target }) => target[0] === brokerId(3)).length;
    expect(isFirst).toBeGreaterThanOrEqual(3);
    expect(isFirst).toBeLessThanOrEqual(5);
  });

  test("never puts two replicas of a partition on one rack that were on two", () => {
    const { state } = scenarioOf(
      ...["register 1 rack=a", "register 2 rack=b", "create t on=1,2/1,2/1,2", "register 3 rack=b"],
    );
    for (const { target } of rebalancePlan(state).relocations) expect(target).toEqual([1, 3]);
    expect(rebalancePlan(state).relocations.length).toBe(1);
  });
});
