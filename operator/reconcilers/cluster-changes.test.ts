import { describe, expect, jest, test } from "@jest/globals";
import { brokerId, partitionIndex, type StorageId } from "#base/ids.ts";
import { clusterStatusSchema } from "../resources/cluster-status.ts";
import { brokerWith, partitionWith, topicWith } from "./testing/fake-controls.ts";
import { World } from "./testing/world.ts";

// Minutes of the world's time pass in each, beside whatever else the machine does.
jest.setTimeout(30_000);

const imageOf = (world: World, pod: string): unknown => {
  const revision = world.kubernetes.see("Pod", pod)?.metadata.labels?.["controller-revision-hash"];
  return revision;
};
const deleted = (world: World): string[] =>
  world.kubernetes.writes
    .filter((write) => write.startsWith("delete Pod"))
    .map((write) => write.slice("delete Pod ".length));
const statefulSet = (world: World) => world.kubernetes.see("StatefulSet", "shop-broker")!;
const template = (world: World) =>
  (statefulSet(world)["spec"] as { template: { spec: { containers: { image: string }[] } } }).template;

describe("a roll of a whole cluster", () => {
  test("replaces every broker once, each after the one before is ready", async () => {
    const world = new World();
    await world.start();
    const before = [0, 1, 2].map((id) => imageOf(world, `shop-broker-${id}`));
    world.edit({ image: "tidemark:2" });
    await world.pass(20_000);
    expect(deleted(world)).toEqual(["shop-broker-2", "shop-broker-1", "shop-broker-0"]);
    const after = [0, 1, 2].map((id) => imageOf(world, `shop-broker-${id}`));
    expect(new Set(after).size).toBe(1);
    expect(after[0]).not.toBe(before[0]);
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "UpToDate" });
    expect(world.condition("Ready")?.status).toBe("True");
  });

  test("stops at the first broker that is not in sync again, for as long as it takes", async () => {
    const world = new World();
    await world.start();
    world.control.set({ topics: [topicWith()], partitions: [partitionWith()] });
    world.podFate = (pod) => {
      if (pod === "shop-broker-2") world.control.set({ partitions: [partitionWith({ isr: [0, 1].map(brokerId) })] });
      return "ready";
    };
    world.edit({ image: "tidemark:2" });
    await world.pass(60_000);
    expect(deleted(world)).toEqual(["shop-broker-2"]);
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "WaitingForISR" });
    expect(world.condition("Progressing")?.message).toContain("orders-0");
    world.control.set({ partitions: [partitionWith()] });
    await world.pass(20_000);
    expect(deleted(world)).toHaveLength(3);
  });

  test("with a bad image ends at its first broker, and puts the template back", async () => {
    const world = new World();
    await world.start();
    const good = template(world);
    world.podFate = (_, made) => (JSON.stringify(made).includes("tidemark:bad") ? "ImagePullBackOff" : "ready");
    world.edit({ image: "tidemark:bad" });
    await world.pass(30_000);
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "WaitingForBroker" });
    await world.pass(60_000);
    expect(template(world)).toEqual(good);
    expect(new Set(deleted(world))).toEqual(new Set(["shop-broker-2"]));
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "RollFailed" });
    expect(world.condition("Ready")?.status).toBe("True");
    const writes = world.kubernetes.writes.length;
    await world.pass(60_000);
    expect(world.kubernetes.writes.slice(writes)).toEqual([]);
    world.edit({ image: "tidemark:3" });
    await world.pass(20_000);
    expect(template(world).spec.containers[0]?.image).toBe("tidemark:3");
    expect(world.condition("Progressing")?.reason).toBe("UpToDate");
  });

  test("of settings keeps the old ones for pods of the old template", async () => {
    const world = new World();
    await world.start({ config: { "num.partitions": "1" } });
    world.podFate = (pod) => (pod === "shop-broker-2" ? "starting" : "ready");
    world.edit({ config: { "num.partitions": "2" } });
    await world.pass(10_000);
    const data = world.kubernetes.see("ConfigMap", "shop-config")?.["data"] as Record<string, string>;
    const settings = Object.values(data).map(
      (text) => (JSON.parse(text) as { config: Record<string, string> }).config["num.partitions"],
    );
    expect(new Set(settings)).toEqual(new Set(["1", "2"]));
    expect(world.condition("ConfigApplied")).toMatchObject({ status: "False", reason: "Rolling" });
    world.podFate = () => "ready";
    world.setPod("shop-broker-2", "ready");
    await world.pass(20_000);
    expect(Object.keys(world.kubernetes.see("ConfigMap", "shop-config")?.["data"] as object)).toHaveLength(2);
    expect(world.condition("ConfigApplied")?.status).toBe("True");
  });

  test("is had by annotation", async () => {
    const world = new World();
    await world.start();
    world.edit({}, { "tidemark.dev/restarted-at": "now" });
    await world.pass(20_000);
    expect(deleted(world)).toHaveLength(3);
  });
});

describe("storage", () => {
  test("goes with its Cluster only while the Cluster says so", async () => {
    const world = new World();
    await world.start({ storage: { size: "1Gi", deletionPolicy: "Delete" } });
    const owners = () =>
      [...world.kubernetes.all("PersistentVolumeClaim"), ...world.kubernetes.all("Secret")].map(
        ({ metadata }) => metadata.ownerReferences?.[0]?.kind,
      );
    expect(owners()).toEqual(["Cluster", "Cluster", "Cluster", "Cluster"]);
    world.edit({ storage: { size: "1Gi" } });
    await world.pass();
    expect(owners()).toEqual([undefined, undefined, undefined, undefined]);
    expect(world.control.options.metadataOwner).toBeNull();
  });

  test("grows: claims first, then the StatefulSet is made anew around its pods", async () => {
    const world = new World();
    await world.start();
    const uids = () => [0, 1, 2].map((id) => world.kubernetes.see("Pod", `shop-broker-${id}`)?.metadata.uid);
    const before = uids();
    world.edit({ storage: { size: "2Gi" } });
    await world.pass(2000);
    expect(world.condition("StorageResized")).toMatchObject({ status: "False", reason: "Resizing" });
    for (const claim of world.kubernetes.all("PersistentVolumeClaim")) {
      expect(claim["spec"]).toMatchObject({ resources: { requests: { storage: "2Gi" } } });
      world.kubernetes.put({ ...claim, status: { phase: "Bound", capacity: { storage: "2Gi" } } });
    }
    await world.pass(5000);
    const remade = world.kubernetes.writes.filter((write) => write.includes("leaving what it owns"));
    expect(remade).toEqual(["delete StatefulSet shop-broker leaving what it owns"]);
    expect(statefulSet(world)["spec"]).toMatchObject({
      volumeClaimTemplates: [{ spec: { resources: { requests: { storage: "2Gi" } } } }],
    });
    expect(uids()).toEqual(before);
    expect(world.condition("StorageResized")?.status).toBe("True");
  });

  test("that cannot grow says so, and nothing else is held up by it", async () => {
    const world = new World();
    await world.start();
    const message = "the storageclass that provisions the pvc must support resize";
    world.kubernetes.failures.set("patch PersistentVolumeClaim", { kind: "refused", status: 403, message });
    world.edit({ storage: { size: "2Gi" }, image: "tidemark:2" });
    await world.pass(30_000);
    expect(world.condition("StorageResized")).toMatchObject({ status: "False", reason: "ResizeRefused" });
    expect(world.condition("StorageResized")?.message).toContain(message);
    expect(deleted(world)).toHaveLength(3);
    expect(world.condition("Ready")?.status).toBe("True");
    expect(world.kubernetes.writes.some((write) => write.includes("leaving what it owns"))).toBe(false);
  });
});

describe("scaling", () => {
  const kinds = (world: World) => world.control.requests.map((request) => request.kind);

  test("up makes the pods, and then gives them their share", async () => {
    const world = new World();
    await world.start();
    const partitions = [0, 1, 2, 3, 4, 5].map((partition) => partitionWith({ partition: partitionIndex(partition) }));
    world.control.set({ topics: [topicWith({ partitionCount: 6 })], partitions });
    world.edit({ replicas: 5 });
    await world.pass(5000);
    expect(statefulSet(world)["spec"]).toMatchObject({ replicas: 5 });
    expect(world.condition("Progressing")).toMatchObject({ reason: "ScalingUp" });
    expect(world.condition("Ready")?.status).toBe("True");
    expect(kinds(world)).not.toContain("rebalance");
    world.control.answers.set("rebalance", {
      kind: "rebalance",
      errorCode: 0,
      errorMessage: null,
      remaining: 4,
    });
    world.control.set({ brokers: [0, 1, 2, 3, 4].map((id) => brokerWith(id)) });
    await world.pass(3000);
    expect(kinds(world)).toContain("rebalance");
    expect(world.condition("Progressing")?.message).toContain("4 partitions are left");
    // Whatever the schema declares is said by somebody.
    const status = world.kubernetes.see("Cluster", "shop")?.["status"] as Record<string, unknown>;
    expect(Object.keys(status).sort()).toEqual(Object.keys(clusterStatusSchema.properties).sort());
    const spread = partitions.map((row, index) => ({
      ...row,
      replicas: [index % 5, (index + 1) % 5].map(brokerId),
      isr: [index % 5, (index + 1) % 5].map(brokerId),
    }));
    world.control.answers.set("rebalance", {
      kind: "rebalance",
      errorCode: 0,
      errorMessage: null,
      remaining: 0,
    });
    world.control.set({ partitions: spread });
    await world.pass(6000);
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "UpToDate" });
  });

  test("down drains first, takes pods away only when they are empty, and then their claims", async () => {
    const world = new World();
    await world.start({ replicas: 4 });
    const held = partitionWith({ replicas: [0, 1, 3].map(brokerId), isr: [0, 1, 3].map(brokerId) });
    world.control.set({ topics: [topicWith()], partitions: [held] });
    world.edit({ replicas: 3 });
    await world.pass(5000);
    expect(world.control.requests).toContainEqual({ kind: "drainBroker", broker: 3, isDraining: true });
    expect(statefulSet(world)["spec"]).toMatchObject({ replicas: 4 });
    expect(world.condition("Progressing")).toMatchObject({ status: "True", reason: "ScalingDown" });
    const leaving = brokerWith(3, { isDraining: true });
    const brokers = [0, 1, 2].map((id) => brokerWith(id));
    world.control.set({ partitions: [partitionWith()], brokers: [...brokers, leaving] });
    await world.pass(2000);
    expect(statefulSet(world)["spec"]).toMatchObject({ replicas: 3 });
    expect(world.kubernetes.see("PersistentVolumeClaim", "data-shop-broker-3")).not.toBeNull();
    world.control.set({ brokers: [...brokers, { ...leaving, isFenced: true, sessionAgeMs: null }] });
    await world.pass(3000);
    expect(world.kubernetes.see("PersistentVolumeClaim", "data-shop-broker-3")).toBeNull();
    expect(world.control.requests).toContainEqual({ kind: "removeBroker", broker: 3 });
    world.control.set({ brokers });
    await world.pass(3000);
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "UpToDate" });
    expect(world.kubernetes.all("PersistentVolumeClaim")).toHaveLength(3);
  });

  test("down below a topic's replication factor is refused, and nothing is drained", async () => {
    const world = new World();
    await world.start();
    world.control.set({ topics: [topicWith()], partitions: [partitionWith()] });
    await world.pass();
    world.edit({ replicas: 2 });
    await world.pass(5000);
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "ScaleDownRefused" });
    expect(statefulSet(world)["spec"]).toMatchObject({ replicas: 3 });
    expect(kinds(world)).not.toContain("drainBroker");
    expect(world.kubernetes.see("Cluster", "shop")?.["status"]).toMatchObject({ minimumReplicas: 3 });
  });

  test("a broker that holds data is started to be emptied, and its claim never goes before", async () => {
    const world = new World();
    await world.start();
    const held = partitionWith({ replicas: [0, 1, 4].map(brokerId), isr: [0, 1].map(brokerId) });
    const away = brokerWith(4, { isFenced: true, sessionAgeMs: null, isDraining: true });
    const kept = world.kubernetes.see("PersistentVolumeClaim", "data-shop-broker-0")!;
    world.kubernetes.put({ ...kept, metadata: { ...kept.metadata, name: "data-shop-broker-4", uid: "old" } });
    world.control.set({
      brokers: [...[0, 1, 2].map((id) => brokerWith(id)), away],
      topics: [topicWith()],
      partitions: [held],
    });
    await world.pass(5000);
    expect(statefulSet(world)["spec"]).toMatchObject({ replicas: 5 });
    expect(world.kubernetes.see("PersistentVolumeClaim", "data-shop-broker-4")?.metadata.uid).toBe("old");
    expect(kinds(world)).not.toContain("removeBroker");
  });

  test("down is taken back when it is no longer asked for", async () => {
    const world = new World();
    await world.start({ replicas: 4 });
    world.control.set({ brokers: [0, 1, 2, 3].map((id) => brokerWith(id, { isDraining: id === 3 })) });
    await world.pass();
    expect(world.control.requests).toContainEqual({ kind: "drainBroker", broker: 3, isDraining: false });
  });

  test("takes nothing away while the controller does not decide", async () => {
    const world = new World();
    await world.start({ replicas: 4 });
    world.control.set({ condition: "storeUnreachable" });
    world.edit({ replicas: 3 });
    await world.pass(5000);
    expect(statefulSet(world)["spec"]).toMatchObject({ replicas: 4 });
  });
});

describe("a disk that is given up", () => {
  const lost = brokerWith(2, { isFenced: true, sessionAgeMs: null });
  const brokers = [brokerWith(0), brokerWith(1), lost];
  const claim = (world: World) => world.kubernetes.see("PersistentVolumeClaim", "data-shop-broker-2")?.metadata.uid;

  test("goes with its claim and its pod, and its successor stays", async () => {
    const world = new World();
    await world.start();
    world.control.set({ brokers, topics: [topicWith()], partitions: [partitionWith({ isr: [0, 1].map(brokerId) })] });
    const before = claim(world);
    world.edit({}, { "tidemark.dev/replace-broker": "2@disk-2" });
    await world.pass(10_000);
    const after = claim(world);
    expect(after).not.toBe(before);
    expect(deleted(world)).toEqual(["shop-broker-2"]);
    await world.pass(10_000);
    expect(claim(world)).toBe(after);
    world.control.set({ brokers: [brokerWith(0), brokerWith(1), brokerWith(2, { storageId: "new" as StorageId })] });
    await world.pass(10_000);
    expect(claim(world)).toBe(after);
  });

  test("is kept while it may be the last with all records, while it serves, and when another is meant", async () => {
    const world = new World();
    await world.start();
    const before = claim(world);
    const last = partitionWith({ leader: brokerId(-1), isr: [], elr: [brokerId(2)] });
    world.control.set({ brokers, topics: [topicWith()], partitions: [last] });
    world.edit({}, { "tidemark.dev/replace-broker": "2@disk-2" });
    await world.pass(5000);
    expect(world.condition("Degraded")).toMatchObject({ status: "True", reason: "BrokerUnreachable" });
    expect(world.condition("Degraded")?.message).toContain("is not followed: broker 2 may be the last");
    expect(world.condition("Degraded")?.message).toContain("Broker 2 has no session");
    const told = world.kubernetes.events.filter(({ reason }) => reason === "ReplaceRefused");
    expect(told).toMatchObject([{ type: "Warning", message: expect.stringContaining("orders-0") }]);
    world.control.set({ brokers: [0, 1, 2].map((id) => brokerWith(id)), partitions: [partitionWith()] });
    await world.pass(5000);
    expect(world.condition("Degraded")).toMatchObject({ reason: "ReplaceRefused" });
    world.edit({}, { "tidemark.dev/replace-broker": "2@disk-of-old" });
    await world.pass(5000);
    expect(world.condition("Degraded")?.status).toBe("False");
    expect(claim(world)).toBe(before);
    expect(deleted(world)).toEqual([]);
  });
});
