import { describe, expect, jest, test } from "@jest/globals";
import { brokerId, controllerEpoch } from "#base/ids.ts";
import type { KubernetesObject } from "../ports/kubernetes.ts";
import type { ClusterSpec } from "../resources/cluster.ts";
import { isBad } from "./cluster-reconciler.ts";
import { brokerWith, partitionWith, topicWith } from "./testing/fake-controls.ts";
import { clusterObject, topicObject, World } from "./testing/world.ts";

// Minutes of the world's time pass in each, beside whatever else the machine does.
jest.setTimeout(30_000);

const CONDITIONS = [
  "Ready",
  "Progressing",
  "Degraded",
  "FullyReplicated",
  "ConfigApplied",
  "StorageResized",
  "ReconciliationPaused",
];

describe("a new Cluster", () => {
  test("gets everything it needs, and a token once", async () => {
    const world = new World();
    await world.start();
    const made = world.kubernetes.writes.filter((write) => /^(apply|create)/.test(write));
    expect(new Set(made)).toEqual(
      new Set([
        "create Secret shop-internal-token",
        "apply ServiceAccount shop-broker",
        "apply Service shop-brokers",
        "apply Service shop-bootstrap",
        "apply NetworkPolicy shop-broker",
        "apply PodDisruptionBudget shop",
        "apply ConfigMap shop-config",
        "apply StatefulSet shop-broker",
      ]),
    );
    expect(world.control.options.tokens).toEqual(["f".repeat(64)]);
  });

  test("has every condition from its first look on", async () => {
    const world = new World();
    world.kubernetes.put(clusterObject());
    await world.pass(500);
    for (const type of CONDITIONS) {
      expect(world.condition(type)).toMatchObject({ observedGeneration: 1, reason: expect.any(String) });
    }
    expect(world.condition("Ready")?.status).not.toBe("True");
  });

  test("is Ready once all its brokers have registered and serve", async () => {
    const world = new World();
    await world.start();
    expect(world.condition("Ready")).toMatchObject({ status: "True", reason: "Serving" });
    expect(world.condition("Progressing")).toMatchObject({ status: "False", reason: "UpToDate" });
    expect(world.condition("Degraded")?.status).toBe("False");
    expect(world.condition("ConfigApplied")?.status).toBe("True");
    const status = world.kubernetes.see("Cluster", "shop")?.["status"];
    expect(status).toMatchObject({
      replicas: 3,
      readyReplicas: 3,
      clusterId: "c1",
      bootstrap: "shop-bootstrap.apps.svc:9092",
    });
  });

  test("says from its first look on which version of the operator looks after it", async () => {
    const world = new World();
    world.kubernetes.put(clusterObject());
    await world.pass();
    expect(world.kubernetes.see("Cluster", "shop")?.["status"]).toMatchObject({ version: "1.2.3" });
  });

  test("costs no write when nothing changes", async () => {
    const world = new World();
    await world.start();
    const before = world.kubernetes.writes.length;
    await world.pass(120_000);
    expect(world.kubernetes.writes.slice(before)).toEqual([]);
  });

  test("says why when an object of it is refused, and heals", async () => {
    const world = new World();
    world.kubernetes.failures.set("apply StatefulSet", { kind: "refused", status: 403, message: "exceeded quota: q" });
    world.kubernetes.put(clusterObject());
    await world.pass();
    expect(world.condition("Ready")).toMatchObject({ status: "False", reason: "ObjectRefused" });
    expect(world.condition("Ready")?.message).toContain("exceeded quota: q");
    world.kubernetes.failures.clear();
    await world.pass(20_000);
    expect(world.kubernetes.see("StatefulSet", "shop-broker")).not.toBeNull();
    expect(world.condition("Ready")?.reason).not.toBe("ObjectRefused");
  });
});

describe("what others did to a Cluster's objects", () => {
  test("is put back: deleted ones are made again, changed fields set again", async () => {
    const world = new World();
    await world.start();
    world.kubernetes.remove({ kind: "Service", namespace: "apps", name: "shop-bootstrap" });
    world.kubernetes.remove({ kind: "Secret", namespace: "apps", name: "shop-internal-token" });
    const headless = world.kubernetes.see("Service", "shop-brokers")!;
    const spec = { ...(headless["spec"] as object), publishNotReadyAddresses: false };
    world.kubernetes.put({ ...headless, spec });
    await world.pass();
    expect(world.kubernetes.see("Service", "shop-bootstrap")).not.toBeNull();
    expect(world.kubernetes.see("Secret", "shop-internal-token")).not.toBeNull();
    expect(world.kubernetes.see("Service", "shop-brokers")!["spec"]).toMatchObject({ publishNotReadyAddresses: true });
  });

  test("what is no longer asked for goes", async () => {
    const world = new World();
    await world.start({
      listeners: [
        { name: "internal", port: 9092 },
        { name: "out", port: 9094, type: "nodeport" },
      ],
    });
    expect(world.kubernetes.see("Service", "shop-broker-0-out")).not.toBeNull();
    world.edit({ listeners: [{ name: "internal", port: 9092 }], podDisruptionBudget: { enabled: false } });
    await world.pass();
    expect(world.kubernetes.see("Service", "shop-broker-0-out")).toBeNull();
    expect(world.kubernetes.see("PodDisruptionBudget", "shop")).toBeNull();
  });

  test("so does the bootstrap address for inside, with the last listener for inside", async () => {
    const world = new World();
    await world.start();
    world.edit({ listeners: [{ name: "out", port: 9094, type: "nodeport" }] });
    await world.pass();
    expect(world.kubernetes.see("Service", "shop-bootstrap-out")).not.toBeNull();
    expect(world.kubernetes.see("Service", "shop-bootstrap")).toBeNull();
  });

  test("a Service of the HTTP API is there as long as it is asked for", async () => {
    const world = new World();
    await world.start();
    expect(world.kubernetes.see("Service", "shop-http")).toBeNull();
    world.edit({ http: {} });
    await world.pass(20_000);
    expect(world.kubernetes.see("Service", "shop-http")?.["spec"]).toMatchObject({ ports: [{ port: 8082 }] });
    world.edit({ http: undefined as never });
    await world.pass(20_000);
    expect(world.kubernetes.see("Service", "shop-http")).toBeNull();
  });

  test("so does a PodMonitor, also when nothing is said of monitoring any more; not one that others made", async () => {
    const world = new World();
    await world.start({ monitoring: { podMonitor: { enabled: true } } });
    expect(world.kubernetes.see("PodMonitor", "shop")).not.toBeNull();
    world.replaceSpec({ replicas: 3, storage: { size: "1Gi" } });
    await world.pass();
    expect(world.kubernetes.see("PodMonitor", "shop")).toBeNull();
    world.kubernetes.put({
      apiVersion: "monitoring.coreos.com/v1",
      kind: "PodMonitor",
      metadata: { name: "shop", namespace: "apps" },
    });
    world.edit({ monitoring: { podMonitor: { enabled: false } } });
    await world.pass();
    expect(world.kubernetes.see("PodMonitor", "shop")).not.toBeNull();
  });

  test("the controller goes with its Cluster, and only when the API server itself says so", async () => {
    const world = new World();
    await world.start();
    world.kubernetes.failures.set("get Cluster", { kind: "unreachable", status: 0, message: "no route" });
    world.kubernetes.remove({ kind: "Cluster", namespace: "apps", name: "shop" });
    await world.pass();
    expect(world.controls.controls.size).toBe(1);
    world.kubernetes.failures.clear();
    await world.pass(10_000);
    expect(world.controls.controls.size).toBe(0);
  });
});

describe("a paused Cluster", () => {
  test("is left as it is, and keeps its controller", async () => {
    const world = new World();
    await world.start();
    world.edit({ replicas: 5 }, { "tidemark.dev/pause-reconciliation": "true" });
    world.kubernetes.remove({ kind: "Service", namespace: "apps", name: "shop-bootstrap" });
    await world.pass();
    expect(world.kubernetes.see("Service", "shop-bootstrap")).toBeNull();
    expect(world.kubernetes.see("StatefulSet", "shop-broker")!["spec"]).toMatchObject({ replicas: 3 });
    expect(world.condition("ReconciliationPaused")).toMatchObject({ status: "True" });
    expect(world.controls.controls.size).toBe(1);
    expect(world.control.options.isPaused).toBe(true);
    world.edit({}, {});
    await world.pass();
    expect(world.kubernetes.see("StatefulSet", "shop-broker")!["spec"]).toMatchObject({ replicas: 5 });
    const told = world.kubernetes.events.filter(({ reason }) => ["Annotated", "NotPaused"].includes(reason));
    expect(told.map(({ type, reason }) => [type, reason])).toEqual([
      ["Normal", "Annotated"],
      ["Normal", "NotPaused"],
    ]);
  });
});

describe("configuration", () => {
  test("of running brokers is set without a roll, and taken back when it is no longer given", async () => {
    const world = new World();
    await world.start({ config: { "log.retention.bytes": "5" } });
    const settings = () => world.control.status().brokerConfigs.find(({ broker }) => broker === "")?.config;
    expect(settings()).toEqual({ "log.retention.bytes": "5" });
    const template = () =>
      (world.kubernetes.see("StatefulSet", "shop-broker")!["spec"] as { template: object }).template;
    const before = template();
    world.edit({ config: {} });
    await world.pass();
    expect(settings()).toEqual({});
    expect(template()).toEqual(before);
    expect(world.condition("ConfigApplied")?.status).toBe("True");
  });

  test("that somebody else set on running brokers stays", async () => {
    const world = new World();
    await world.start();
    world.control.set({ brokerConfigs: [{ broker: "", config: { "log.retention.bytes": "7" } }] });
    await world.pass();
    expect(world.control.status().brokerConfigs).toEqual([{ broker: "", config: { "log.retention.bytes": "7" } }]);
  });

  test("that is invalid stops nothing else, and the last valid value counts", async () => {
    const world = new World();
    await world.start({ config: { "num.partitions": "6" } });
    world.edit({ config: { "num.partitions": "many", "log.retention.bytes": "5" }, replicas: 4 });
    await world.pass();
    expect(world.condition("ConfigApplied")).toMatchObject({ status: "False", reason: "InvalidConfig" });
    expect(world.control.options.config).toMatchObject({ "num.partitions": "6" });
    expect(world.control.status().brokerConfigs).toEqual([{ broker: "", config: { "log.retention.bytes": "5" } }]);
    expect(world.kubernetes.see("StatefulSet", "shop-broker")!["spec"]).toMatchObject({ replicas: 4 });
  });
});

describe("racks", () => {
  const rack = { topologyKey: "topology.kubernetes.io/zone" };
  const node = (labels: Record<string, string>): KubernetesObject => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "n1", namespace: "", labels },
  });
  const racksOf = (world: World) => world.control.status().brokers.map((broker) => broker.rack);

  test("of the nodes are told to the controller, and taken back with spec.rack", async () => {
    const world = new World();
    world.kubernetes.put(node({ [rack.topologyKey]: "zone-1" }));
    await world.start({ rack });
    expect(racksOf(world)).toEqual(["zone-1", "zone-1", "zone-1"]);
    expect(world.condition("RacksKnown")).toMatchObject({ status: "True", reason: "Known" });
    const { rack: _, ...spec } = world.kubernetes.see("Cluster", "shop")!["spec"] as ClusterSpec;
    world.kubernetes.put({ ...world.kubernetes.see("Cluster", "shop")!, spec });
    await world.pass();
    expect(racksOf(world)).toEqual([null, null, null]);
    expect(world.condition("RacksKnown")).toMatchObject({ status: "True", reason: "NoRacks" });
  });

  test("that the operator may not look up are said with the value to set; topics are made all the same", async () => {
    const world = new World();
    world.kubernetes.failures.set("get Node", { kind: "refused", status: 403, message: "nodes is forbidden" });
    await world.start({ rack });
    expect(world.condition("RacksKnown")).toMatchObject({ status: "False", reason: "NodesNotReadable" });
    expect(world.condition("RacksKnown")?.message).toContain("rbac.nodes: true");
    expect(world.condition("Ready")?.status).toBe("True");
    world.kubernetes.put(topicObject());
    await world.pass();
    expect(world.control.status().topics.map(({ name }) => name)).toEqual(["orders"]);
  });

  test("that nodes have no label for are said with the brokers", async () => {
    const world = new World();
    world.kubernetes.put(node({}));
    await world.start({ rack });
    expect(world.condition("RacksKnown")).toMatchObject({ status: "False", reason: "NodesWithoutRack" });
    expect(world.condition("RacksKnown")?.message).toContain("brokers 0, 1, 2");
  });

  test("are waited for by a new topic", async () => {
    const world = new World();
    world.kubernetes.failures.set("get Node", { kind: "unreachable", status: 0, message: "no answer" });
    world.kubernetes.put(topicObject());
    await world.start({ rack });
    expect(world.control.status().topics).toEqual([]);
    expect(world.condition("Ready", "Topic", "orders")).toMatchObject({ status: "Unknown", reason: "RacksPending" });
    world.kubernetes.failures.clear();
    world.kubernetes.put(node({ [rack.topologyKey]: "zone-1" }));
    await world.pass(40_000);
    expect(world.control.requests.map(({ kind }) => kind)).toEqual(["setRacks", "createTopics"]);
  });
});

describe("the health of a Cluster", () => {
  const topics = [topicWith()];
  const missing = partitionWith({ isr: [0, 1].map(brokerId) });

  test("shows a lost broker with the two ways on, and stays Ready without it", async () => {
    const world = new World();
    await world.start();
    const brokers = [brokerWith(0), brokerWith(1), brokerWith(2, { isFenced: true, sessionAgeMs: null })];
    world.control.set({ topics, partitions: [missing], brokers });
    await world.pass();
    expect(world.condition("Ready")?.status).toBe("True");
    expect(world.condition("Degraded")).toMatchObject({ status: "True", reason: "BrokerUnreachable" });
    expect(world.condition("Degraded")?.message).toContain('tidemark.dev/replace-broker="2@disk-2"');
    expect(world.condition("FullyReplicated")).toMatchObject({ status: "False" });
    expect(world.kubernetes.see("Cluster", "shop")?.["status"]).toMatchObject({ underReplicatedPartitions: 1 });
  });

  test("tells a broker that said it leaves from one that was lost, also in a roll that waits", async () => {
    const world = new World();
    await world.start();
    const away = brokerWith(2, { isFenced: true, sessionAgeMs: null, isShuttingDown: true });
    world.control.set({ brokers: [brokerWith(0), brokerWith(1), away] });
    await world.pass();
    expect(world.condition("Degraded")).toMatchObject({ status: "True", reason: "BrokerRestarting" });
    world.edit({ image: "tidemark:2" });
    world.control.set({ brokers: [brokerWith(0), brokerWith(1, { isFenced: true, sessionAgeMs: null }), away] });
    await world.pass();
    expect(world.condition("Degraded")).toMatchObject({ status: "True", reason: "BrokerUnreachable" });
    expect(world.condition("Degraded")?.message).toContain('replace-broker="1@disk-1"');
  });

  test("lets nobody be evicted while a partition could not lose another broker", async () => {
    const world = new World();
    await world.start();
    const budget = () =>
      (world.kubernetes.see("PodDisruptionBudget", "shop")!["spec"] as { maxUnavailable: number }).maxUnavailable;
    expect(budget()).toBe(1);
    world.control.set({ topics, partitions: [missing] });
    await world.pass();
    expect(budget()).toBe(0);
    world.control.set({ partitions: [partitionWith()] });
    await world.pass();
    expect(budget()).toBe(1);
  });

  test("is not Ready without a leader, or below min ISR", async () => {
    const world = new World();
    await world.start();
    world.control.set({ topics, partitions: [partitionWith({ leader: brokerId(-1), isr: [] })] });
    await world.pass();
    expect(world.condition("Ready")).toMatchObject({ status: "False", reason: "PartitionsOffline" });
    expect(world.condition("Ready")?.message).toContain("orders-0");
    world.control.set({ partitions: [partitionWith({ isr: [brokerId(0)] })] });
    await world.pass();
    expect(world.condition("Ready")).toMatchObject({ status: "False", reason: "BelowMinIsr" });
  });

  test("says what to do when the metadata is lost, and recovers only by the right epoch", async () => {
    const world = new World();
    await world.start();
    const problem = {
      kind: "lost" as const,
      reason: "MetadataShard shop-root is gone",
      newestReported: { controllerEpoch: controllerEpoch(7), sequence: 3 },
    };
    world.control.set({ condition: "blocked", problem });
    await world.pass();
    expect(world.condition("Ready")).toMatchObject({ status: "False", reason: "MetadataLost" });
    expect(world.condition("Ready")?.message).toContain('tidemark.dev/recover-metadata="7"');
    world.edit({}, { "tidemark.dev/recover-metadata": "6" });
    await world.pass();
    expect(world.control.recovered).toEqual([]);
    const refusal =
      'The annotation tidemark.dev/recover-metadata="6" is not followed: the newest that brokers hold is 7.';
    expect(world.condition("Ready")?.message).toContain(refusal);
    const told = world.kubernetes.events.filter(({ reason }) => reason === "MetadataNotRecovered");
    expect(told).toMatchObject([{ type: "Warning", message: refusal }]);
    world.edit({}, { "tidemark.dev/recover-metadata": "7" });
    await world.pass();
    expect(world.control.recovered[0]).toBe(7);
  });

  test("has a container that ended looked at at once", async () => {
    const world = new World();
    await world.start();
    const pod = world.kubernetes.see("Pod", "shop-broker-1")!;
    const terminated = { containerID: "containerd://1" };
    world.kubernetes.put({ ...pod, status: { containerStatuses: [{ name: "broker", state: { terminated } }] } });
    await world.pass();
    expect(world.control.suspected).toEqual([1]);
  });
});

test.each([
  ["Progressing", "False", "UpToDate", false],
  ["Progressing", "False", "WaitingForISR", false],
  ["Progressing", "False", "RollFailed", true],
  ["Progressing", "False", "ScaleDownRefused", true],
  ["Progressing", "False", "ObjectRefused", true],
  ["Degraded", "True", "BrokerUnreachable", true],
  ["Degraded", "False", "AsExpected", false],
  ["Ready", "False", "PartitionsOffline", true],
] as const)("%s=%s for %s: a Warning is %s", (type, status, reason, isWarning) => {
  expect(isBad({ type, status, reason })).toBe(isWarning);
});
