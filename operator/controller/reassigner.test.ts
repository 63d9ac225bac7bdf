import { describe, expect, test } from "@jest/globals";
import { brokerId, type Incarnation } from "#base/ids.ts";
import type { AdminResponse } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import { FakeBroker, TestCluster } from "./testing/cluster.ts";

const ids = (...numbers: number[]) => numbers.map(brokerId);

async function startedWith(count: number, assignments: number[][]): Promise<TestCluster> {
  const cluster = new TestCluster();
  await cluster.start(count);
  await cluster.createTopic("t", assignments);
  return cluster;
}

const reassign = (cluster: TestCluster, replicas: number[] | null, partition = 0): Promise<AdminResponse> =>
  cluster.admin({
    kind: "alterReassignments",
    partitions: [{ topic: "t", partition, replicas: replicas === null ? null : ids(...replicas) }],
    mayChangeReplicationFactor: true,
  });

/** The leader has seen that all of these are in sync. */
async function inSync(cluster: TestCluster, members: number[], partition = 0): Promise<void> {
  const row = cluster.row(partition);
  const epochOf = (broker: number): number => cluster.broker(broker).registered?.brokerEpoch ?? -1;
  cluster.broker(row.leader).propose(
    row,
    members.map((broker) => ({ broker, brokerEpoch: epochOf(broker) })),
  );
  await cluster.pass(20);
}

function confirm(cluster: TestCluster, broker: number, row: PartitionRow): void {
  const { topicId, partition, leaderEpoch } = row;
  cluster.broker(broker).say({ type: "replicaRemoved", topicId, partition, leaderEpoch });
}

describe("a reassignment", () => {
  test("ends with a hand-over when the leader is to go, and is over once the data is said to be gone", async () => {
    const cluster = await startedWith(4, [[1, 2, 3]]);
    expect(await reassign(cluster, [4, 2, 3])).toMatchObject({ partitions: [{ errorCode: 0 }] });
    expect(cluster.row()).toMatchObject({ replicas: ids(4, 2, 3, 1), adding: ids(4), removing: ids(1), leader: 1 });
    await inSync(cluster, [1, 2, 3, 4]);
    await cluster.pass(600);
    const row = cluster.row();
    expect(row).toMatchObject({ replicas: ids(4, 2, 3), adding: [], removing: [], leader: 4, removed: ids(1) });
    const asked = cluster.broker(1).received.filter((message) => message.type === "handOver");
    expect(asked).toMatchObject([{ target: 4, leaderEpoch: 0 }]);
    confirm(cluster, 1, row);
    await cluster.pass(20);
    expect(cluster.row().removed).toEqual([]);
  });

  test("waits while the leader cannot hand over, and tries again", async () => {
    const cluster = await startedWith(3, [[1, 2]]);
    cluster.broker(1).isObliging = false;
    await reassign(cluster, [2, 3]);
    await inSync(cluster, [1, 2, 3]);
    await cluster.pass(3000);
    expect(cluster.row()).toMatchObject({ leader: 1, removing: ids(1) });
    cluster.broker(1).isObliging = true;
    await cluster.pass(5000);
    expect(cluster.row()).toMatchObject({ leader: 2, removing: [], removed: ids(1) });
  });

  test("goes on under the next controller", async () => {
    const cluster = await startedWith(3, [[1, 2]]);
    await reassign(cluster, [2, 3]);
    const next = cluster.newController();
    await next.start();
    await cluster.controller.stop();
    cluster.controller = next;
    for (const broker of cluster.brokers) broker.dial(next);
    await cluster.pass(100);
    await inSync(cluster, [1, 2, 3]);
    await cluster.pass(1000);
    expect(cluster.row()).toMatchObject({ leader: 2, replicas: ids(2, 3), removed: ids(1) });
  });

  test("is completed after the leader that was to hand over died", async () => {
    const cluster = await startedWith(3, [[1, 2]]);
    cluster.broker(1).isObliging = false;
    await reassign(cluster, [2, 3]);
    await inSync(cluster, [1, 2, 3]);
    cluster.broker(1).die();
    await cluster.pass(1500);
    expect(cluster.row()).toMatchObject({ leader: 2, replicas: ids(2, 3), removed: ids(1), isr: ids(2, 3) });
  });

  test("is cancelled by a hand-over back when one of those being added leads", async () => {
    const cluster = await startedWith(4, [[1, 2]]);
    await reassign(cluster, [3, 4]);
    await inSync(cluster, [1, 2, 3]);
    cluster.broker(1).die();
    await cluster.pass(300);
    expect(cluster.row()).toMatchObject({ leader: 3, adding: ids(3, 4), isr: ids(3, 2) });
    cluster.broker(3).isObliging = false;
    const refused = reassign(cluster, null);
    await cluster.pass(2000);
    expect(await refused).toMatchObject({ partitions: [{ errorCode: 7 }] });
    cluster.broker(3).isObliging = true;
    expect(await reassign(cluster, null)).toMatchObject({ partitions: [{ errorCode: 0 }] });
    expect(cluster.row()).toMatchObject({ leader: 2, replicas: ids(1, 2), adding: [], removed: ids(3, 4) });
  });

  test("is told of with what its copies lack, as the leader of that epoch says", async () => {
    const cluster = await startedWith(3, [[1, 2]]);
    await reassign(cluster, [1, 2, 3]);
    const list = async () => {
      const response = await cluster.admin({ kind: "listReassignments", partitions: null });
      return response.kind === "listReassignments" ? response.reassignments : [];
    };
    expect(await list()).toMatchObject([{ topic: "t", adding: ids(3), removing: [], missingBytes: null }]);
    const { topicId, partition, leaderEpoch } = cluster.row();
    const missing = [{ broker: 3, bytes: 1234 }];
    cluster.broker(2).say({ type: "copyProgress", partitions: [{ topicId, partition, leaderEpoch, missing: [] }] });
    cluster.broker(1).say({ type: "copyProgress", partitions: [{ topicId, partition, leaderEpoch, missing }] });
    await cluster.pass(20);
    expect(await list()).toMatchObject([{ missingBytes: 1234 }]);
    expect(cluster.controller.status().reassignments).toMatchObject([{ topic: "t", missingBytes: 1234 }]);
    await inSync(cluster, [1, 2, 3]);
    expect(await list()).toEqual([]);
    expect(await cluster.admin({ kind: "listReassignments", partitions: [{ topic: "x", partition: -1 }] })).toEqual({
      kind: "listReassignments",
      reassignments: [],
    });
  });
});

describe("a broker that is drained", () => {
  test("is emptied, ten partitions at a time, and can be forgotten once it is away", async () => {
    const cluster = await startedWith(
      3,
      Array.from({ length: 12 }, () => [1, 2]),
    );
    const drain = { kind: "drainBroker", broker: brokerId(2), isDraining: true } as const;
    expect(await cluster.admin(drain)).toMatchObject({ errorCode: 0, assigned: 12, unconfirmed: 0 });
    await cluster.pass(600);
    const moving = (): number => cluster.controller.status().reassignments.length;
    expect(moving()).toBe(10);
    for (let partition = 0; partition < 12; partition++) {
      await cluster.pass(600);
      await inSync(cluster, [1, 2, 3], partition);
      confirm(cluster, 2, cluster.row(partition));
    }
    await cluster.pass(100);
    expect(moving()).toBe(0);
    expect(await cluster.admin(drain)).toMatchObject({ assigned: 0, unconfirmed: 0 });
    const status = cluster.controller.status().brokers.find(({ id }) => id === 2);
    expect(status).toMatchObject({ isDraining: true, assigned: 0, unconfirmed: 0 });
    const forget = { kind: "removeBroker", broker: brokerId(2) } as const;
    expect(await cluster.admin(forget)).toMatchObject({ errorCode: 42 });
    cluster.broker(2).die();
    await cluster.pass(500);
    expect(await cluster.admin(forget)).toMatchObject({ errorCode: 0 });
    expect(cluster.controller.status().brokers.map(({ id }) => id)).toEqual(ids(1, 3));
    // Whoever comes under that id later is a new broker.
    await cluster.join(new FakeBroker(2, { incarnation: "2b" as Incarnation }));
    expect(cluster.controller.status().brokers[1]).toMatchObject({ id: 2, isDraining: false });
  });

  test("stays one over a restart of its process, and is refused when replicas would not fit elsewhere", async () => {
    const cluster = await startedWith(3, [[1, 2, 3]]);
    const drain = { kind: "drainBroker", broker: brokerId(3), isDraining: true } as const;
    expect(await cluster.admin(drain)).toMatchObject({
      errorCode: 38,
      errorMessage: expect.stringContaining("t-0 has 3 replicas, but without broker 3 only 2 broker(s) are left"),
    });
    await cluster.join(new FakeBroker(4));
    expect(await cluster.admin(drain)).toMatchObject({ errorCode: 0, assigned: 1 });
    cluster.broker(3).die();
    await cluster.pass(300);
    await cluster.join(new FakeBroker(3, { incarnation: "3b" as Incarnation }));
    expect(cluster.controller.status().brokers[2]).toMatchObject({ id: 3, isDraining: true });
    expect(await cluster.admin({ ...drain, isDraining: false })).toMatchObject({ errorCode: 0 });
    expect(cluster.controller.status().brokers[2]).toMatchObject({ isDraining: false });
  });
});

test("new brokers get their share when asked for, and no more is moved than that takes", async () => {
  const cluster = await startedWith(2, [
    [1, 2],
    [2, 1],
    [1, 2],
    [2, 1],
  ]);
  await cluster.join(new FakeBroker(3));
  await cluster.join(new FakeBroker(4));
  expect(await cluster.admin({ kind: "rebalance" })).toMatchObject({ errorCode: 0, remaining: 4 });
  const moving = cluster.controller.status().reassignments;
  expect(moving.map(({ adding }) => adding.length)).toEqual([1, 1, 1, 1]);
  const targets = moving.flatMap(({ replicas, removing }) => replicas.filter((broker) => !removing.includes(broker)));
  for (const id of ids(1, 2, 3, 4)) expect(targets.filter((broker) => broker === id).length).toBe(2);
});
