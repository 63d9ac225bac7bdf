import { expect, test } from "@jest/globals";
import { brokerId, controllerEpoch, type Incarnation } from "#base/ids.ts";
import type { KeptMetadata } from "#contract/control.ts";
import { snapshotRows } from "../machine/state.ts";
import { FakeBroker, TestCluster } from "./testing/cluster.ts";

/** What brokers 1 … 3 of a cluster with a topic and a setting were last told before its store was lost. */
async function lostCluster(): Promise<{ cluster: TestCluster; told: KeptMetadata; older: KeptMetadata }> {
  const cluster = new TestCluster();
  await cluster.start(3);
  const keep = (): KeptMetadata => {
    const { state } = cluster.metadata;
    return { version: state.version, rows: snapshotRows(state) };
  };
  await cluster.createTopic("first", [[1, 2, 3]]);
  const older = keep();
  await cluster.createTopic("second", [
    [2, 3],
    [3, 1],
  ]);
  const changes = [{ key: "log.retention.ms", operation: "set", value: "9000" }] as const;
  await cluster.admin({
    kind: "alterConfigs",
    resources: [{ kind: "broker", name: "", changes }],
    validateOnly: false,
  });
  const told = keep();
  await cluster.controller.stop();
  return { cluster, told, older };
}

const witness = (id: number, kept: KeptMetadata | null, different: { incarnation?: Incarnation } = {}): FakeBroker => {
  const broker = new FakeBroker(id, { metadataVersion: kept?.version ?? null, ...different });
  broker.kept = kept;
  return broker;
};

/** Brokers dial again, as they do. */
async function redial(cluster: TestCluster): Promise<void> {
  for (const { registration } of cluster.brokers) {
    if (!cluster.broker(registration.brokerId).isConnected) {
      cluster.broker(registration.brokerId).dial(cluster.controller);
    }
  }
  await cluster.pass(300);
}

async function recovering(clock: TestCluster["clock"], options: { metadata?: TestCluster["metadata"] } = {}) {
  const cluster = new TestCluster({ isRecovering: true, clock, ...options });
  void cluster.controller.start();
  await cluster.pass(50);
  return cluster;
}

test("a controller whose store is gone goes on from the newest metadata that brokers kept", async () => {
  const { cluster: lost, told, older } = await lostCluster();
  const cluster = await recovering(lost.clock);
  await cluster.join(witness(1, older));
  await cluster.join(witness(2, told));
  expect(cluster.controller.status()).toMatchObject({ condition: "recovering" });
  expect(cluster.controller.status().reason).toMatch(/waits for broker 3$/);
  await cluster.join(witness(3, older));
  await cluster.pass(50);
  await redial(cluster);
  const { state } = cluster.metadata;
  expect(cluster.controller.status().condition).toBe("active");
  expect([...state.topics.values()].map(({ name }) => name)).toEqual(["first", "second"]);
  expect(state.brokerConfigs.get("")).toEqual({ "log.retention.ms": "9000" });
  expect(state.version.controllerEpoch).toBeGreaterThan(told.version.controllerEpoch + 900);
  const [row] = [...state.partitions.values()].flat();
  expect(row).toMatchObject({ leader: -1, isr: [], elr: [], lost: [1, 2, 3] });
  expect(row?.leaderEpoch).toBeGreaterThan(1000);
  expect(state.nextProducerId).toBeGreaterThan(1e9);
  const query = cluster.broker(2).received.findLast((message) => message.type === "queryLogEnds");
  expect(query).toBeDefined();
});

test("the fullest log leads, and running brokers keep their epochs", async () => {
  const { cluster: lost, told } = await lostCluster();
  const cluster = await recovering(lost.clock);
  for (const id of [1, 2, 3]) await cluster.join(witness(id, told));
  await cluster.pass(50);
  await redial(cluster);
  expect(cluster.broker(2).registered?.brokerEpoch).toBe(2);
  for (const [id, logEnd] of [
    [1, 5],
    [2, 9],
    [3, 7],
  ] as const) {
    const query = cluster.broker(id).received.findLast((message) => message.type === "queryLogEnds");
    if (query?.type !== "queryLogEnds") throw new Error(`broker ${id} was not asked`);
    const ends = query.partitions.map((name) => ({ ...name, lastEpoch: 0, logEnd }));
    cluster.broker(id).say({ type: "logEnds", query: query.query, ends });
  }
  await cluster.pass(500);
  expect([...cluster.metadata.state.partitions.values()].flat().map(({ leader }) => leader)).toEqual([2, 2, 3]);
});

test("the identity of a disk that nobody knew is taken from its broker; another disk than that is gone", async () => {
  const { cluster: lost, told } = await lostCluster();
  const cluster = await recovering(lost.clock);
  for (const id of [1, 2]) await cluster.join(witness(id, told));
  await cluster.join(witness(3, told, { incarnation: "3b" as Incarnation }));
  await cluster.pass(50);
  await redial(cluster);
  expect([...cluster.metadata.state.brokers.values()].map(({ storageId }) => storageId)).toEqual([
    "disk-1",
    "disk-2",
    "disk-3",
  ]);
});

test("a broker that never comes is waited for a minute, and one that was told less is no help", async () => {
  const { cluster: lost, told, older } = await lostCluster();
  const cluster = await recovering(lost.clock);
  await cluster.join(witness(1, told));
  await cluster.join(witness(2, older));
  await cluster.pass(59_000);
  expect(cluster.controller.status().condition).toBe("recovering");
  await cluster.pass(1500);
  expect(cluster.controller.status().condition).toBe("active");
  expect(cluster.metadata.state.topics.size).toBe(2);
  expect(cluster.metadata.state.brokers.get(brokerId(3))).toMatchObject({ isFenced: true });
});

test("a store that has everything is recovered from itself, and a topic it alone has stays", async () => {
  const { cluster: lost, older } = await lostCluster();
  const cluster = await recovering(lost.clock, { metadata: lost.metadata });
  for (const id of [1, 2, 3]) await cluster.join(witness(id, older));
  await cluster.pass(50);
  expect(cluster.controller.status().condition).toBe("active");
  expect(cluster.metadata.state.topics.size).toBe(2);
  expect(cluster.broker(1).received.some((message) => message.type === "queryMetadata")).toBe(false);
});

test("a controller that was blocked recovers when it is told to", async () => {
  const { cluster: lost, told } = await lostCluster();
  const cluster = new TestCluster({ clock: lost.clock });
  await cluster.controller.start();
  await cluster.join(witness(1, told));
  await cluster.pass(50);
  expect(cluster.controller.status().condition).toBe("blocked");
  const recovered = cluster.controller.recover();
  await cluster.pass(50);
  await redial(cluster);
  for (const id of [2, 3]) await cluster.join(witness(id, told));
  await recovered;
  await redial(cluster);
  expect(cluster.controller.status().condition).toBe("active");
  expect(cluster.metadata.state.topics.size).toBe(2);
  expect(cluster.broker(1).registered?.snapshot.topics.length).toBe(2);
});

test("brokers that are all new are not waited for, and another cluster's is refused", async () => {
  const cluster = await recovering(new TestCluster().clock);
  const stranger = await cluster.join(new FakeBroker(9, { clusterId: "another" }));
  expect(stranger.received.at(-1)).toMatchObject({ type: "refused", code: "WRONG_CLUSTER" });
  await cluster.join(witness(1, null));
  await cluster.pass(5100);
  expect(cluster.controller.status().condition).toBe("active");
  expect(cluster.metadata.state.version.controllerEpoch).toBe(controllerEpoch(1000));
});

test("a second recovery hands out producer ids of its own, though the store was lost again", async () => {
  const { cluster: lost, told } = await lostCluster();
  const once = await recovering(lost.clock);
  for (const id of [1, 2, 3]) await once.join(witness(id, told));
  await once.pass(50);
  const { state } = once.metadata;
  const again: KeptMetadata = { version: state.version, rows: snapshotRows(state) };
  await once.controller.stop();
  const twice = await recovering(lost.clock);
  for (const id of [1, 2, 3]) await twice.join(witness(id, again));
  await twice.pass(50);
  expect(twice.metadata.state.nextProducerId).toBeGreaterThan(state.nextProducerId + 1e9);
});
