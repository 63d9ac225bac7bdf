import { afterEach, describe, expect, test } from "@jest/globals";
import { settle } from "../base/testing/fake-clock.ts";
import type { BrokerId, LeaderEpoch } from "../base/ids.ts";
import type { ReplicaRemoved } from "../contract/control.ts";
import type { MemoryStore } from "./testing/memory-store.ts";
import { TestCluster, TOPIC } from "./testing/test-cluster.ts";

let cluster: TestCluster;
const ids = (...numbers: number[]): BrokerId[] => numbers as BrokerId[];

/** Brokers 1 and 2 have the partition, 3 is there. */
async function started(): Promise<void> {
  cluster = new TestCluster([1, 2, 3], { minIsr: 1 });
  cluster.row = { ...cluster.row, replicas: ids(1, 2), isr: ids(1, 2) };
  await cluster.start();
  await cluster.clock.advance(50);
}
afterEach(() => expect(cluster.failures).toEqual([]));

const store = (id: number): MemoryStore => cluster.stores.get(id) as MemoryStore;
const confirmed = (): [number, number][] =>
  cluster.said.flatMap(({ from, message }): [number, number][] =>
    message.type === "replicaRemoved" ? [[from, (message satisfies ReplicaRemoved).leaderEpoch]] : [],
  );
/** A replica goes: always with another leader epoch. */
const remove = (id: number, options: { late?: number[] } = {}): Promise<void> => {
  const stay = (broker: BrokerId): boolean => broker !== id;
  return cluster.commit(
    {
      replicas: cluster.row.replicas.filter(stay),
      isr: cluster.row.isr.filter(stay),
      removed: ids(id),
      leaderEpoch: (cluster.row.leaderEpoch + 1) as LeaderEpoch,
    },
    options,
  );
};
const add = (id: number): Promise<void> =>
  cluster.commit({ replicas: [...cluster.row.replicas, id as BrokerId], adding: ids(id), removed: [] });

describe("a replica that is added", () => {
  test("starts empty, copies all, and is proposed for the ISR only when it has it", async () => {
    await started();
    for (const text of ["a", "b"]) cluster.produce(1, text);
    await settle();
    await add(3);
    await cluster.clock.advance(50);
    expect(cluster.log(3).content).toEqual(["0:a@1", "1:b@1"]);
    expect(
      cluster
        .proposals()
        .at(-1)
        ?.isr.map(({ broker }) => broker),
    ).toEqual([1, 2, 3]);
  });

  test("is fed no faster than the throttle says, while who is in sync has every record at once", async () => {
    await started();
    for (let count = 0; count < 40; count++) cluster.produce(1, "x".repeat(100_000));
    await settle();
    cluster.copyBytesPerSecond = 1_000_000;
    await add(3);
    await cluster.clock.advance(1000);
    const after1s = cluster.log(3).content.length;
    const produced = cluster.produce(1, "y");
    await settle();
    expect(produced.errorCode).toBe(0);
    expect(after1s).toBeGreaterThanOrEqual(8);
    expect(after1s).toBeLessThanOrEqual(14);
    await cluster.clock.advance(1000);
    expect(cluster.log(3).content.length).toBeLessThanOrEqual(25);
    // A rate that was raised is in force at once.
    cluster.copyBytesPerSecond = 1_000_000_000;
    await cluster.clock.advance(1000);
    expect(cluster.log(3).content.length).toBe(41);
  });

  test("is told of by its leader: how many bytes it lacks", async () => {
    await started();
    for (let count = 0; count < 20; count++) cluster.produce(1, "x".repeat(100_000));
    await settle();
    cluster.copyBytesPerSecond = 100_000;
    await add(3);
    await cluster.clock.advance(4000);
    const told = cluster.said.flatMap(({ message }) => (message.type === "copyProgress" ? message.partitions : []));
    expect(told[0]).toMatchObject({ topicId: TOPIC, partition: 0, leaderEpoch: 1 });
    const bytes = told.map(({ missing }) => missing[0]?.bytes ?? -1);
    expect(bytes[0]).toBeGreaterThan(bytes.at(-1) ?? 0);
    expect(bytes.at(-1)).toBeGreaterThan(0);
  });
});

describe("a replica that was removed", () => {
  test("deletes its data because the row says so, and confirms it under the row's leader epoch", async () => {
    await started();
    cluster.produce(1, "a");
    await settle();
    await remove(2);
    expect(store(2).removed).toEqual(["orders-0"]);
    expect(store(2).logs.size).toBe(0);
    expect(confirmed()).toEqual([[2, 2]]);
    expect(cluster.produce(1, "b").errorCode).toBeNull();
    await settle();
    expect(cluster.replica(1).highWatermark).toBe(2);
  });

  test("is kept aside, not deleted, where the row does not say so", async () => {
    await started();
    await cluster.commit({ replicas: ids(1), isr: ids(1), leaderEpoch: 2 as LeaderEpoch });
    expect([store(2).removed, store(2).aside]).toEqual([[], ["orders-0"]]);
    expect(confirmed()).toEqual([]);
  });

  test("confirms in every new session, until a row has heard it", async () => {
    await started();
    await remove(2);
    cluster.manager(2).onSession();
    await settle();
    expect(confirmed()).toEqual([
      [2, 2],
      [2, 2],
    ]);
    await cluster.commit({ removed: [] });
    cluster.manager(2).onSession();
    await settle();
    expect(confirmed().length).toBe(2);
  });

  test("that comes back from the dead with its old data deletes it before anything else", async () => {
    await started();
    cluster.produce(1, "a");
    await settle();
    await cluster.kill(2);
    await remove(2);
    expect(store(2).removed).toEqual([]);
    await cluster.startBroker(2);
    expect(store(2).removed).toEqual(["orders-0"]);
    expect(confirmed()[0]).toEqual([2, 2]);
  });

  test("and is added again at once starts anew, and what it said of its old data counts for nothing", async () => {
    await started();
    for (const text of ["a", "b"]) cluster.produce(1, text);
    await settle();
    // Broker 2 hears of its removal only after the leader has heard that it is back.
    await remove(2, { late: [2] });
    const removal = cluster.row;
    await cluster.commit({ replicas: ids(1, 2), adding: ids(2), removed: [] }, { late: [2] });
    await cluster.clock.advance(100);
    expect(cluster.proposals()).toEqual([]);
    expect(cluster.replica(1).leadership?.progressOf(2 as BrokerId)?.logEnd).toBeNull();
    const nothing = { brokers: [], topics: [], deletions: [], brokerConfigs: [] };
    const readded = cluster.row;
    cluster.row = removal;
    cluster.manager(2).applyRows({ ...nothing, partitions: [removal] });
    cluster.row = readded;
    cluster.manager(2).applyRows({ ...nothing, partitions: [readded] });
    await cluster.clock.advance(300);
    expect(store(2).removed).toEqual(["orders-0"]);
    expect(cluster.log(2).content).toEqual(["0:a@1", "1:b@1"]);
    expect(
      cluster
        .proposals()
        .at(-1)
        ?.isr.map(({ broker }) => broker),
    ).toEqual([1, 2]);
  });

  test("that never heard of its removal keeps its data, checked against the leader's epochs", async () => {
    await started();
    cluster.produce(1, "a");
    await settle();
    await remove(2, { late: [2] });
    cluster.produce(1, "b");
    await cluster.commit({ replicas: ids(1, 2), adding: ids(2), removed: [] });
    await cluster.clock.advance(300);
    expect(store(2).removed).toEqual([]);
    expect(cluster.log(2).content).toEqual(["0:a@1", "1:b@2"]);
  });

  test("leads no more: who waits is told so", async () => {
    await started();
    cluster.log(2).isStalled = true;
    const waiting = cluster.produce(1, "a");
    await settle();
    await cluster.commit({
      replicas: ids(2),
      isr: ids(2),
      leader: 2 as BrokerId,
      leaderEpoch: 2 as LeaderEpoch,
      removed: ids(1),
    });
    expect(waiting.errorCode).toBe(6);
    expect(confirmed()).toEqual([[1, 2]]);
    cluster.log(2).write();
    await settle();
    expect(cluster.replica(2).highWatermark).toBe(1);
  });

  test("of a topic that is deleted meanwhile is gone when the topic is said to be", async () => {
    await started();
    await remove(2);
    const { row } = cluster;
    cluster.row = { ...row, replicas: ids(1, 2) };
    await cluster.deleteTopic();
    const removed = cluster.said.flatMap(({ from, message }) => (message.type === "topicRemoved" ? [from] : []));
    expect(new Set(removed)).toEqual(new Set([1, 2]));
    expect(store(2).logs.size).toBe(0);
  });
});
