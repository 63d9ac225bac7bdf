import { describe, expect, test } from "@jest/globals";
import { brokerId } from "#base/ids.ts";
import type { NamedPartition } from "./partitions.ts";
import type { BrokerPod } from "./pods.ts";
import { planRoll, type RollInput } from "./roll-plan.ts";
import { partitionWith } from "./testing/fake-controls.ts";

const OLD = "r1";
const NEW = "r2";

const podWith = (broker: number, different: Partial<BrokerPod> = {}): BrokerPod => ({
  broker,
  name: `shop-broker-${broker}`,
  uid: `u${broker}`,
  revision: OLD,
  isReady: true,
  isTerminating: false,
  isRunning: true,
  waitsFor: null,
  waitsMessage: "",
  ended: null,
  node: "n1",
  configHash: undefined,
  hasBrokerLabel: true,
  ...different,
});

const named = (
  name: string,
  isr: readonly number[],
  different: Parameters<typeof partitionWith>[0] = {},
): NamedPartition => ({
  name,
  row: partitionWith({ isr: isr.map(brokerId), ...different }),
});
const whole = named("orders-0", [0, 1, 2]);

const roll = (different: Partial<RollInput> = {}) =>
  planRoll({
    pods: [0, 1, 2].map((broker) => podWith(broker)),
    brokers: [0, 1, 2],
    updateRevision: NEW,
    partitions: [whole],
    alive: new Set([0, 1, 2]),
    leads: new Map([
      [0, 5],
      [1, 0],
      [2, 1],
    ]),
    hasPreviousTemplate: true,
    ...different,
  });

const replaced = (plan: ReturnType<typeof planRoll>) =>
  plan.kind === "replace" ? plan.pods.map(({ broker }) => broker) : plan.kind;
const renewed = (broker: number, different: Partial<BrokerPod> = {}) =>
  podWith(broker, { revision: NEW, ...different });
const pods = (...list: BrokerPod[]) => ({ pods: list });

describe("a roll", () => {
  test("begins with the broker that leads the fewest partitions, one at a time", () => {
    expect(replaced(roll())).toEqual([1]);
  });

  test("is over when every pod has the newest revision", () => {
    expect(roll(pods(renewed(0), renewed(1), renewed(2))).kind).toBe("upToDate");
  });

  test("waits until the StatefulSet controller has seen the template", () => {
    expect(roll({ updateRevision: null })).toMatchObject({ kind: "wait", reason: "Rolling" });
  });

  test("waits while the broker before is away, starts, or catches up, and names what it lacks", () => {
    expect(roll({ ...pods(podWith(0), podWith(2)), brokers: [0, 1, 2] })).toMatchObject({ reason: "WaitingForBroker" });
    expect(roll(pods(podWith(0), renewed(1, { isReady: false }), podWith(2)))).toMatchObject({
      kind: "wait",
      reason: "WaitingForBroker",
    });
    const behind = roll({
      ...pods(podWith(0), renewed(1, { isReady: false }), podWith(2)),
      partitions: [named("orders-0", [0, 2])],
    });
    expect(behind).toMatchObject({ kind: "wait", reason: "WaitingForISR" });
    expect(behind).toMatchObject({ message: expect.stringContaining("orders-0") });
  });

  test("waits for partitions of the next broker, however ready everybody says to be", () => {
    const plan = roll({ ...pods(podWith(0), renewed(1), podWith(2)), partitions: [named("orders-0", [0, 2])] });
    expect(plan).toMatchObject({ kind: "wait", reason: "WaitingForISR" });
  });

  test("is not held by partitions that neither the next broker nor those before it host", () => {
    const elsewhere = named("other-0", [0], { replicas: [0].map(brokerId), minIsr: 1 });
    const behind = named("far-0", [0], { replicas: [0, 7].map(brokerId), minIsr: 1 });
    expect(replaced(roll({ partitions: [whole, elsewhere, behind] }))).toEqual([1]);
  });

  test("never takes a partition below its min ISR where there is another way", () => {
    const tight = named("tight-0", [0, 1, 2], { minIsr: 3 });
    // Three of three are needed: it will never be better than now.
    expect(replaced(roll({ partitions: [tight] }))).toEqual([1]);
    const moving = named("moving-0", [1, 2], {
      replicas: [0, 1, 2].map(brokerId),
      adding: [brokerId(0)],
      isr: [1, 2].map(brokerId),
      minIsr: 2,
    });
    expect(roll({ partitions: [moving] })).toMatchObject({ kind: "wait", reason: "WaitingForISR" });
  });

  test("touches nobody while the controller does not decide", () => {
    expect(roll({ partitions: null, alive: new Set() })).toMatchObject({ kind: "wait", reason: "WaitingForISR" });
  });

  test("waits for a broker that is shutting down", () => {
    expect(roll(pods(podWith(0), podWith(1, { isTerminating: true }), podWith(2)))).toMatchObject({ kind: "wait" });
  });
});

describe("a broker that is not ready on an old template", () => {
  test("is replaced first and at once, whoever else is out of sync", () => {
    const plan = roll({
      ...pods(podWith(0, { isReady: false, isRunning: false, waitsFor: "ImagePullBackOff" }), podWith(1), podWith(2)),
      partitions: [named("orders-0", [1, 2])],
      alive: new Set([1, 2]),
    });
    expect(replaced(plan)).toEqual([0]);
  });

  test("goes together with all others that serve nobody", () => {
    const down = [0, 1, 2].map((broker) => podWith(broker, { isReady: false, isRunning: false }));
    expect(replaced(roll({ ...pods(...down), alive: new Set(), partitions: null }))).toEqual([0, 1, 2]);
  });

  test("stays while a partition needs it", () => {
    const plan = roll({
      ...pods(podWith(0, { isReady: false }), podWith(1), podWith(2)),
      partitions: [named("orders-0", [0, 1])],
    });
    expect(plan.kind).toBe("wait");
  });
});

describe("a first broker that does not come back", () => {
  const broken = renewed(1, {
    isReady: false,
    isRunning: false,
    waitsFor: "ImagePullBackOff",
    waitsMessage: "image x",
  });

  test("has the template put back", () => {
    expect(roll(pods(podWith(0), broken, podWith(2)))).toMatchObject({
      kind: "putBack",
      message: expect.stringContaining("ImagePullBackOff (image x)"),
    });
  });

  test("is waited for while it runs, because it may recover for hours", () => {
    expect(roll(pods(podWith(0), renewed(1, { isReady: false }), podWith(2))).kind).toBe("wait");
  });

  test("is waited for when another broker has come back with that template, or there is no other", () => {
    expect(roll(pods(podWith(0), broken, renewed(2))).kind).toBe("wait");
    expect(roll({ ...pods(podWith(0), broken, podWith(2)), hasPreviousTemplate: false }).kind).toBe("wait");
  });
});
