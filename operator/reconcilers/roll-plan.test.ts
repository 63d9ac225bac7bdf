import { describe, expect, test } from "@jest/globals";
import { brokerId } from "#base/ids.ts";
import type { NamedPartition } from "./partitions.ts";
import type { BrokerPod } from "./pods.ts";
import { planRoll, type RollInput } from "./roll-plan.ts";
import { partitionWith } from "./testing/fake-controls.ts";

const OLD = "r1";
const NEW = "r2";
const NOW_MS = 1_000_000;

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
  waitsSinceMs: 0,
  restarts: 0,
  ended: null,
  node: "n1",
  hostIp: "10.1.0.1",
  podIp: "10.0.0.1",
  image: "tidemark:1",
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
    astray: new Set(),
    wasRolling: false,
    nowMs: NOW_MS,
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

  test("goes on until the last broker is back in every ISR", () => {
    const list = (last: Partial<BrokerPod>) => pods(renewed(0), renewed(1), renewed(2, last));
    const tail = { wasRolling: true };
    expect(roll({ ...tail, pods: [renewed(0), renewed(1)] })).toMatchObject({ kind: "wait", reason: "Rolling" });
    const behind = [named("orders-0", [0, 1])];
    expect(roll({ ...tail, ...list({ isReady: false }), partitions: behind })).toMatchObject({
      reason: "Rolling",
      message: expect.stringContaining("orders-0"),
    });
    expect(roll({ ...tail, ...list({}), partitions: behind })).toMatchObject({ reason: "Rolling" });
    expect(roll({ ...tail, ...list({}) }).kind).toBe("upToDate");
    expect(roll({ ...list({ isReady: false }), partitions: behind }).kind).toBe("upToDate");
  });

  test("does not go on for ever when the last broker is lost", () => {
    const last = renewed(2, { isReady: false, waitsSinceMs: NOW_MS - 60_000 });
    const input = { ...pods(renewed(0), renewed(1), last), alive: new Set([0, 1]), wasRolling: true };
    expect(roll(input)).toMatchObject({ kind: "wait", reason: "WaitingForBroker" });
  });

  test("takes brokers whose address has changed, in their turn, and only when they are back", () => {
    const all = pods(renewed(0), renewed(1), renewed(2));
    expect(replaced(roll({ ...all, astray: new Set([2]) }))).toEqual([2]);
    const starting = pods(renewed(0), renewed(1), renewed(2, { isReady: false }));
    expect(roll({ ...starting, astray: new Set([0]) }).kind).toBe("wait");
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

  test("is given time, because what troubles it may pass: more for a node, none for a mistake", () => {
    const hopeless = (waitsFor: string, forMs: number, restarts = 0) => {
      const waitsSinceMs = NOW_MS - forMs;
      const pod = renewed(1, { isReady: false, isRunning: false, waitsFor, waitsSinceMs, restarts });
      return roll(pods(podWith(0), pod, podWith(2))).kind === "putBack";
    };
    expect([hopeless("ImagePullBackOff", 59_000), hopeless("ImagePullBackOff", 60_000)]).toEqual([false, true]);
    expect([hopeless("Unschedulable", 60_000), hopeless("Unschedulable", 300_000)]).toEqual([false, true]);
    expect([hopeless("CrashLoopBackOff", 90_000, 1), hopeless("CrashLoopBackOff", 90_000, 3)]).toEqual([false, true]);
    expect(hopeless("InvalidImageName", 0)).toBe(true);
    expect(hopeless("ContainerCreating", 900_000)).toBe(false);
  });

  test("is waited for while it runs, because it may recover for hours", () => {
    expect(roll(pods(podWith(0), renewed(1, { isReady: false }), podWith(2))).kind).toBe("wait");
  });

  test("is waited for when another broker has come back with that template, or there is no other", () => {
    expect(roll(pods(podWith(0), broken, renewed(2))).kind).toBe("wait");
    expect(roll({ ...pods(podWith(0), broken, podWith(2)), hasPreviousTemplate: false }).kind).toBe("wait");
  });
});
