import { describe, expect, jest, test } from "@jest/globals";
import { brokerId } from "#base/ids.ts";
import type { TopicRow } from "#contract/rows.ts";
import type { TopicSpec } from "../resources/topic.ts";
import { brokerWith, idOf, partitionWith, topicWith } from "./testing/fake-controls.ts";
import { clusterObject, topicObject, World } from "./testing/world.ts";

// Minutes of the world's time pass in each, beside whatever else the machine does.
jest.setTimeout(30_000);

const OWNED = topicWith({ owner: { namespace: "apps", name: "orders", uid: "gone", deletionPolicy: "Delete" } });

async function withTopic(spec: Partial<TopicSpec> = {}, row: TopicRow | null = null): Promise<World> {
  const world = new World();
  await world.start();
  if (row !== null) world.control.set({ topics: [row], partitions: [partitionWith({ topicId: row.topicId })] });
  world.kubernetes.put(topicObject(spec));
  await world.pass(5000);
  return world;
}

const rowOf = (world: World, name = "orders"): TopicRow | undefined =>
  world.control.status().topics.find((row) => row.name === name);
const ready = (world: World, name = "orders") => world.condition("Ready", "Topic", name);
const uidOf = (world: World, name = "orders"): string => world.kubernetes.see("Topic", name)?.metadata.uid ?? "";
const edit = (world: World, spec: Partial<TopicSpec>): void => {
  const topic = world.kubernetes.see("Topic", "orders")!;
  world.kubernetes.put({ ...topic, spec: { ...(topic["spec"] as TopicSpec), ...spec } });
};
const drop = (world: World, name = "orders"): void =>
  world.kubernetes.remove({ kind: "Topic", namespace: "apps", name });

describe("a new Topic", () => {
  test("makes its topic and owns it in the same commit", async () => {
    const world = await withTopic({ partitions: 3, config: { "retention.ms": "5" } });
    expect(rowOf(world)).toMatchObject({
      partitionCount: 3,
      config: { "retention.ms": "5" },
      owner: { namespace: "apps", name: "orders", uid: uidOf(world), deletionPolicy: "Delete" },
    });
    expect(ready(world)).toMatchObject({ status: "True", observedGeneration: 1 });
    expect(world.condition("FullyReplicated", "Topic", "orders")?.status).toBe("True");
    expect(world.condition("Reassigning", "Topic", "orders")?.status).toBe("False");
    expect(world.kubernetes.see("Topic", "orders")?.["status"]).toMatchObject({ partitions: 3, topicName: "orders" });
  });

  test("leaves to the cluster what it does not say", async () => {
    const world = await withTopic();
    const asked = world.control.requests.find(({ kind }) => kind === "createTopics");
    expect(asked).toMatchObject({ topics: [{ partitionCount: -1, replicationFactor: -1 }] });
  });

  test("adopts a topic that was made through the Kafka API", async () => {
    const world = await withTopic({ config: { "retention.ms": "5" } }, topicWith({ config: { "segment.ms": "9" } }));
    expect(rowOf(world)).toMatchObject({
      topicId: idOf("a"),
      config: { "retention.ms": "5" },
      owner: { uid: uidOf(world) },
    });
  });

  test("costs nothing while nothing changes", async () => {
    const world = await withTopic();
    const before = world.kubernetes.writes.length;
    const asked = world.control.requests.length;
    await world.pass(90_000);
    expect(world.kubernetes.writes.slice(before)).toEqual([]);
    expect(world.control.requests.slice(asked)).toEqual([]);
  });
});

describe("an operator that takes over", () => {
  test("leaves what was said of Topics until it knows better", async () => {
    const world = new World();
    const conditions = [
      {
        type: "Ready",
        status: "True",
        reason: "Serving",
        message: "",
        observedGeneration: 1,
        lastTransitionTime: "2026-01-01T00:00:00Z",
      },
    ];
    world.kubernetes.put(clusterObject());
    world.kubernetes.put({ ...topicObject(), status: { conditions } });
    await world.pass();
    expect(world.control.status().condition).toBe("starting");
    expect(ready(world)).toMatchObject({ status: "True", reason: "Serving" });
    world.control.set({ condition: "storeUnreachable" });
    await world.pass();
    expect(ready(world)).toMatchObject({ status: "Unknown", reason: "ControllerNotReady" });
  });
});

describe("a Topic for a Cluster that is not there", () => {
  test("says so from the first look on, and heals when it appears", async () => {
    const world = new World();
    world.kubernetes.put(topicObject());
    await world.pass();
    expect(ready(world)).toMatchObject({ status: "False", reason: "ClusterNotFound" });
    expect(world.condition("FullyReplicated", "Topic", "orders")?.status).toBe("Unknown");
    await world.start();
    await world.pass();
    expect(ready(world)?.status).toBe("True");
  });
});

describe("a Topic of another namespace", () => {
  const foreign = topicObject({ clusterRef: { name: "shop", namespace: "apps" } }, { namespace: "team", name: "t" });
  const reason = (world: World) => {
    const status = world.kubernetes.see("Topic", "t", "team")?.["status"] as {
      conditions: { type: string; reason: string }[];
    };
    return status.conditions.find(({ type }) => type === "Ready")?.reason;
  };

  test("is let in only where the Cluster says so", async () => {
    const world = new World();
    await world.start();
    world.kubernetes.put(foreign);
    await world.pass();
    expect(reason(world)).toBe("NamespaceNotAllowed");
    expect(world.control.status().topics).toEqual([]);
    world.edit({ allowedNamespaces: { from: "Names", names: ["team"] } });
    await world.pass();
    expect(reason(world)).toBe("Serving");
  });

  test("does not hold a name while it is not let in", async () => {
    const world = new World();
    await world.start();
    world.kubernetes.put({
      ...foreign,
      metadata: { ...foreign.metadata, creationTimestamp: "2020-01-01T00:00:00Z" },
      spec: { clusterRef: { name: "shop", namespace: "apps" }, topicName: "orders" },
    });
    world.kubernetes.put(topicObject());
    await world.pass();
    expect(ready(world)?.status).toBe("True");
  });
});

describe("two Topics for one name", () => {
  test("the older has it, the newer is told, and gets it when the older goes", async () => {
    const world = await withTopic({ deletionPolicy: "Retain" });
    const newer = { name: "orders-too", creationTimestamp: "2026-06-01T00:00:00Z" };
    world.kubernetes.put(topicObject({ topicName: "orders", config: { "retention.ms": "1" } }, newer));
    await world.pass();
    expect(ready(world, "orders-too")).toMatchObject({ status: "False", reason: "ResourceConflict" });
    expect(rowOf(world)?.config).toEqual({});
    drop(world);
    await world.pass(10_000);
    expect(ready(world, "orders-too")?.status).toBe("True");
    expect(rowOf(world)).toMatchObject({ config: { "retention.ms": "1" }, owner: { name: "orders-too" } });
  });
});

describe("what a Topic says later", () => {
  test("grows partitions, and never shrinks them", async () => {
    const world = await withTopic({ partitions: 2 });
    edit(world, { partitions: 4 });
    await world.pass();
    expect(rowOf(world)?.partitionCount).toBe(4);
    edit(world, { partitions: 3 });
    await world.pass();
    expect(rowOf(world)?.partitionCount).toBe(4);
    expect(ready(world)).toMatchObject({ status: "False", reason: "PartitionsCannotShrink" });
  });

  test("enforces the keys that it gives, leaves unmanaged ones, and resets all others", async () => {
    const world = await withTopic({ config: { "retention.ms": "5" }, unmanagedConfig: ["segment.ms"] });
    world.control.set({
      topics: [{ ...rowOf(world)!, config: { "retention.ms": "6", "segment.ms": "7", "flush.ms": "8" } }],
    });
    await world.pass();
    expect(rowOf(world)?.config).toEqual({ "retention.ms": "5", "segment.ms": "7" });
  });

  test("is in force as far as it is valid", async () => {
    const world = await withTopic({ config: { "retention.ms": "5", "no.such.key": "1" } });
    expect(rowOf(world)?.config).toEqual({ "retention.ms": "5" });
    expect(ready(world)).toMatchObject({ status: "False", reason: "InvalidConfig" });
    expect(ready(world)?.message).toContain("no.such.key");
  });

  test("changes the replication factor by a reassignment", async () => {
    const world = await withTopic({}, topicWith());
    world.control.set({ partitions: [partitionWith({ replicas: [0, 1].map(brokerId), isr: [0, 1].map(brokerId) })] });
    edit(world, { replicationFactor: 3 });
    await world.pass();
    const request = { kind: "setReplicationFactor", topic: "orders", replicationFactor: 3 };
    expect(world.control.requests).toContainEqual(request);
    const moving = partitionWith({ adding: [brokerId(2)], isr: [0, 1].map(brokerId) });
    world.control.set({ partitions: [moving] });
    const asked = world.control.requests.length;
    await world.pass(5000);
    expect(world.control.requests.slice(asked)).toEqual([]);
    expect(world.condition("Reassigning", "Topic", "orders")).toMatchObject({ status: "True" });
  });

  test("waits for brokers enough for its replication factor", async () => {
    const world = await withTopic({}, topicWith());
    edit(world, { replicationFactor: 5 });
    await world.pass();
    expect(ready(world)).toMatchObject({ status: "False", reason: "TooFewBrokers" });
    const errorMessage = "not enough brokers";
    world.control.answers.set("setReplicationFactor", {
      kind: "setReplicationFactor",
      errorCode: 38,
      errorMessage,
      remaining: 0,
    });
    world.control.answers.set("alterConfigs", {
      kind: "alterConfigs",
      resources: [{ kind: "topic", name: "orders", errorCode: 44, errorMessage: "policy says no" }],
    });
    edit(world, { config: { "retention.ms": "5" } });
    await world.pass();
    expect(ready(world)).toMatchObject({ status: "False", reason: "TooFewBrokers" });
    expect(ready(world)?.message).toMatch(/there are 3\. Raise .*The controller refuses: policy says no/);
    expect(ready(world)?.message).not.toContain(errorMessage);
    world.control.answers.clear();
    world.control.set({ brokers: [0, 1, 2, 3, 4].map((id) => brokerWith(id)) });
    await world.pass();
    expect(world.control.requests.some(({ kind }) => kind === "setReplicationFactor")).toBe(true);
  });
});

describe("a Topic that is deleted", () => {
  test("takes its topic along if it said so, and only then", async () => {
    const world = await withTopic();
    drop(world);
    await world.pass(10_000);
    expect(rowOf(world)).toBeUndefined();
    const retained = await withTopic({ deletionPolicy: "Retain" });
    drop(retained);
    await retained.pass(10_000);
    expect(rowOf(retained)).toBeDefined();
    expect(rowOf(retained)).not.toHaveProperty("owner");
  });

  test("counts by the policy that was seen last", async () => {
    const world = await withTopic();
    edit(world, { deletionPolicy: "Retain" });
    await world.pass();
    drop(world);
    await world.pass(10_000);
    expect(rowOf(world)).toBeDefined();
  });

  test.each([
    ["forbidden", { kind: "refused", status: 403, message: "forbidden" } as const],
    ["out of reach", { kind: "unreachable", status: 0, message: "no route" } as const],
  ])("is not gone while the API server is %s", async (_, failed) => {
    const world = new World();
    await world.start();
    world.kubernetes.failures.set("get Topic", failed);
    world.control.set({ topics: [OWNED], partitions: [partitionWith()] });
    await world.pass(60_000);
    expect(rowOf(world)).toBeDefined();
    world.kubernetes.failures.clear();
    await world.pass(60_000);
    expect(rowOf(world)).toBeUndefined();
  });

  test("is not gone while its definition is being deleted", async () => {
    const world = await withTopic();
    world.kubernetes.isTopicEstablished = false;
    drop(world);
    await world.pass(60_000);
    expect(rowOf(world)).toBeDefined();
  });

  test("is not gone for an operator that does not serve its namespace", async () => {
    const world = new World(["other"]);
    await world.start();
    world.control.set({ topics: [OWNED], partitions: [partitionWith()] });
    await world.pass(60_000);
    expect(rowOf(world)).toBeDefined();
  });

  test("and made again under its name begins with an empty topic", async () => {
    const world = await withTopic();
    const before = rowOf(world)?.topicId;
    drop(world);
    world.kubernetes.put(topicObject());
    await world.pass(10_000);
    expect(rowOf(world)?.topicId).not.toBe(before);
    expect(rowOf(world)?.owner?.uid).toBe(uidOf(world));
    expect(ready(world)?.status).toBe("True");
  });
});
