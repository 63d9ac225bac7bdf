import { describe, expect, test } from "@jest/globals";
import { NODE_FLAGS } from "#contract/node-flags.ts";
import { brokerJson, configHash, dynamicConfig, startConfig, staticConfig } from "./broker-json.ts";
import type { SpecContext } from "./context.ts";
import type { ClusterSpec } from "../resources/cluster.ts";
import type { ClusterResource } from "./custom-resources.ts";
import { canonical, hashOf } from "./hash.ts";
import { matches } from "./matches.ts";
import { heapFlags, podTemplateOf } from "./pod.ts";
import { disruptionBudgetOf, networkPolicyOf, podMonitorOf, secretOf, serviceAccountOf } from "./policies.ts";
import { isSameQuantity, quantityOf } from "./quantity.ts";
import { bootstrapServiceOf, externalServicesOf, headlessServiceOf, httpServiceOf } from "./services.ts";
import { statefulSetOf } from "./stateful-set.ts";

const clusterWith = (spec: Partial<ClusterSpec> = {}, annotations: Record<string, string> = {}): ClusterResource => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Cluster",
  metadata: { name: "shop", namespace: "apps", uid: "u-1", generation: 1, annotations },
  spec: { replicas: 3, ...spec },
});

const contextWith = (spec: Partial<ClusterSpec> = {}, different: Partial<SpecContext> = {}): SpecContext => ({
  cluster: clusterWith(spec),
  brokerImage: "tidemark:1",
  operatorNamespace: "system",
  clusterId: "",
  config: {},
  replicas: 3,
  advertised: new Map(),
  ...different,
});

const podOf = (context: SpecContext) =>
  podTemplateOf(context) as {
    metadata: { labels: Record<string, string>; annotations: Record<string, string> };
    spec: Record<string, unknown> & { containers: Record<string, unknown>[]; volumes: Record<string, unknown>[] };
  };

const statefulSet = (context: SpecContext) =>
  statefulSetOf(context, { template: podTemplateOf(context), annotations: {} });

describe("a broker pod", () => {
  const pod = podOf(contextWith());
  const [broker] = pod.spec.containers;

  test("fits the restricted profile", () => {
    expect(pod.spec["securityContext"]).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: "RuntimeDefault" },
    });
    expect(broker?.["securityContext"]).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  test("has no token of the API server", () => {
    expect(pod.spec["automountServiceAccountToken"]).toBe(false);
    expect(serviceAccountOf(clusterWith())["automountServiceAccountToken"]).toBe(false);
  });

  test("is asked for its life and for its readiness at different paths", () => {
    expect(broker?.["livenessProbe"]).toMatchObject({ httpGet: { path: "/healthz" } });
    expect(broker?.["readinessProbe"]).toMatchObject({ httpGet: { path: "/readyz" } });
  });

  test("gives half of its memory limit to the heap, and leaves Node alone without a limit", () => {
    expect(broker?.["command"]).toEqual(["node", ...NODE_FLAGS, "--max-old-space-size=256", "broker/pod-main.ts"]);
    expect(heapFlags({ limits: { memory: "2Gi" } })).toEqual(["--max-old-space-size=1024"]);
    expect(heapFlags({ limits: { memory: "16Mi" } })).toEqual(["--max-old-space-size=32"]);
    expect(heapFlags({})).toEqual([]);
  });

  test("is spread over nodes, and over racks where there are any", () => {
    const keysOf = (context: SpecContext) =>
      (podOf(context).spec["topologySpreadConstraints"] as { topologyKey: string }[]).map((one) => one.topologyKey);
    expect(keysOf(contextWith())).toEqual(["kubernetes.io/hostname"]);
    expect(keysOf(contextWith({ rack: { topologyKey: "zone" } }))).toEqual(["zone", "kubernetes.io/hostname"]);
  });

  test("cannot have its own labels changed by the Cluster's", () => {
    const { labels } = podOf(contextWith({ podLabels: { team: "a", "app.kubernetes.io/name": "x" } })).metadata;
    expect(labels).toMatchObject({ team: "a", "app.kubernetes.io/name": "tidemark" });
  });

  test("runs the Cluster's image, or the chart's where it names none", () => {
    const imageOf = (context: SpecContext) => podOf(context).spec.containers[0]?.["image"];
    expect(imageOf(contextWith({ image: "mine:2" }))).toBe("mine:2");
    expect(imageOf(contextWith({ image: "" }))).toBe("tidemark:1");
  });

  test("keeps its data in the pod when it is ephemeral", () => {
    const context = contextWith({ storage: { ephemeral: true, size: "1Gi" } });
    expect(podOf(context).spec.volumes).toContainEqual({ name: "data", emptyDir: { sizeLimit: "1Gi" } });
    expect(statefulSet(context)["spec"]).not.toHaveProperty("volumeClaimTemplates");
  });
});

describe("what rolls brokers", () => {
  const template = (context: SpecContext): string => canonical(podTemplateOf(context));

  test("is a setting that is read at the start, not one that is set on running brokers", () => {
    const before = template(contextWith());
    expect(template(contextWith({}, { config: { "log.retention.bytes": "5" } }))).toBe(before);
    expect(template(contextWith({}, { config: { "auto.create.topics.enable": "false" } }))).not.toBe(before);
  });

  test("is not the number of brokers, nor an address that a load balancer got", () => {
    const before = template(contextWith());
    expect(template(contextWith({ replicas: 5 }))).toBe(before);
    expect(template(contextWith({}, { advertised: new Map([["internal", [{ broker: 0, host: "x" }]]]) }))).toBe(before);
  });

  test("is a wish to restart, and a listener", () => {
    const before = template(contextWith());
    const cluster = clusterWith({}, { "tidemark.dev/restarted-at": "now" });
    expect(template(contextWith({}, { cluster }))).not.toBe(before);
    expect(configHash(contextWith({ listeners: [{ name: "a", port: 9000 }] }))).not.toBe(configHash(contextWith()));
  });
});

describe("a StatefulSet", () => {
  test("never deletes claims and never replaces pods by itself", () => {
    expect(statefulSet(contextWith({ storage: { deletionPolicy: "Delete" } }))["spec"]).toMatchObject({
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "OnDelete" },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
    });
  });

  test("belongs to its Cluster; its claims do not", () => {
    const made = statefulSet(contextWith({ storage: { size: "2Gi", storageClass: "fast" } }));
    expect(made.metadata.ownerReferences).toMatchObject([{ kind: "Cluster", name: "shop", uid: "u-1" }]);
    const { volumeClaimTemplates } = made["spec"] as { volumeClaimTemplates: Record<string, unknown>[] };
    expect(volumeClaimTemplates).toMatchObject([
      { metadata: { name: "data" }, spec: { storageClassName: "fast", resources: { requests: { storage: "2Gi" } } } },
    ]);
    expect(volumeClaimTemplates[0]?.["metadata"]).not.toHaveProperty("ownerReferences");
  });
});

describe("services", () => {
  const listeners: ClusterSpec["listeners"] = [
    { name: "internal", port: 9092, type: "internal" },
    { name: "outside", port: 9094, type: "nodeport" },
    { name: "cloud", port: 9095, type: "loadbalancer" },
  ];

  test("name not-ready brokers too, but clients begin at ready ones", () => {
    expect(headlessServiceOf(clusterWith())["spec"]).toMatchObject({
      clusterIP: "None",
      publishNotReadyAddresses: true,
    });
    expect(bootstrapServiceOf(clusterWith({ listeners }))["spec"]).toMatchObject({
      ports: [{ name: "internal", port: 9092 }],
    });
    expect(bootstrapServiceOf(clusterWith())["spec"]).not.toHaveProperty("publishNotReadyAddresses");
  });

  test("stand for each broker of a listener for outside", () => {
    const made = externalServicesOf(clusterWith({ listeners }), [0, 1]);
    expect(made.map(({ metadata }) => metadata.name)).toEqual([
      "shop-bootstrap-outside",
      "shop-broker-0-outside",
      "shop-broker-1-outside",
      "shop-bootstrap-cloud",
      "shop-broker-0-cloud",
      "shop-broker-1-cloud",
    ]);
    expect(made[1]?.["spec"]).toMatchObject({
      type: "NodePort",
      publishNotReadyAddresses: true,
      selector: { "statefulset.kubernetes.io/pod-name": "shop-broker-0" },
    });
    expect(made[3]?.["spec"]).toMatchObject({ type: "LoadBalancer" });
  });
});

test("a broker of a nodeport listener has the port of the nodes that its clients are told", () => {
  const listeners: ClusterSpec["listeners"] = [
    { name: "out", port: 9094, type: "nodeport", advertisedPort: "31000+{ordinal}" },
    { name: "cloud", port: 9095, type: "loadbalancer", advertisedPort: 443 },
  ];
  const made = externalServicesOf(clusterWith({ listeners }), [0, 2]);
  const ports = made.map(({ spec }) => (spec as { ports: { nodePort?: number }[] }).ports[0]?.nodePort);
  expect(ports).toEqual([undefined, 31_000, 31_002, undefined, undefined, undefined]);
});

describe("broker.json", () => {
  test("says where the controller is and how each listener is advertised", () => {
    const json = brokerJson(
      contextWith(
        {
          listeners: [
            { name: "internal", port: 9092 },
            { name: "outside", port: 9094, type: "nodeport" },
          ],
        },
        { advertised: new Map([["outside", [{ broker: 0, port: 30000 }]]]) },
      ),
    );
    expect(json["controller"]).toEqual({
      host: "tidemark-operator.system.svc",
      port: 8080,
      path: "/clusters/apps/shop",
    });
    expect(json["listeners"]).toEqual([
      { name: "internal", port: 9092, advertisedHost: "{pod}.shop-brokers.apps.svc" },
      { name: "outside", port: 9094, advertisedHost: "{nodeIp}", brokers: [{ broker: 0, port: 30000 }] },
    ]);
  });

  test("has what a cluster of this size implies, and what its author says instead", () => {
    expect(staticConfig({}, 5)).toEqual({
      "default.replication.factor": "3",
      "min.insync.replicas": "2",
      "offsets.topic.replication.factor": "3",
    });
    expect(staticConfig({}, 1)).toEqual({
      "default.replication.factor": "1",
      "min.insync.replicas": "1",
      "offsets.topic.replication.factor": "1",
    });
    expect(staticConfig({ "default.replication.factor": "2" }, 3)).toMatchObject({ "min.insync.replicas": "1" });
  });

  test("leaves to the controller what can be set on running brokers", () => {
    const config = { "num.partitions": "6", "log.retention.bytes": "5" };
    expect(startConfig(config)).toEqual({ "num.partitions": "6" });
    expect(dynamicConfig(config)).toEqual({ "log.retention.bytes": "5" });
  });
});

describe("the HTTP API for applications", () => {
  const json = (spec: Partial<ClusterSpec>) => brokerJson(contextWith(spec))["api"];
  const ports = (spec: Partial<ClusterSpec>) => podOf(contextWith(spec)).spec.containers[0]?.["ports"];

  test("is nowhere unless it is asked for, and brokers of before do not roll", () => {
    expect(json({})).toBeUndefined();
    expect(ports({})).toHaveLength(2);
    expect(configHash(contextWith({}))).toBe("6343535a5e6203d0");
  });

  test("has a port of every broker, a Service of those that are ready, and is open to all", () => {
    expect(json({ http: { port: 8090 } })).toEqual({ port: 8090 });
    expect(json({ http: {} })).toEqual({ port: 8082 });
    expect(ports({ http: {} })).toContainEqual({ name: "http-api-port", containerPort: 8082, protocol: "TCP" });
    expect(configHash(contextWith({ http: {} }))).not.toBe(configHash(contextWith()));
    const made = httpServiceOf(clusterWith({ http: {} }), 8082);
    expect(made.metadata.name).toBe("shop-http");
    expect(made["spec"]).toEqual({
      type: "ClusterIP",
      selector: expect.objectContaining({ "app.kubernetes.io/instance": "shop" }),
      ports: [{ name: "http-api-port", port: 8082, targetPort: "http-api-port", protocol: "TCP" }],
    });
    const { ingress } = networkPolicyOf(clusterWith({ http: {} }), "system")["spec"] as { ingress: unknown[] };
    expect(ingress[0]).toEqual({
      ports: [
        { port: 9092, protocol: "TCP" },
        { port: 8082, protocol: "TCP" },
      ],
    });
  });
});

describe("policies", () => {
  test("let the HTTP port be reached by brokers, the operator and scrapers only", () => {
    const { ingress } = networkPolicyOf(clusterWith(), "system")["spec"] as {
      ingress: { from?: unknown[]; ports: { port: number }[] }[];
    };
    expect(ingress.map(({ from, ports }) => [from?.length ?? "all", ports[0]?.port])).toEqual([
      ["all", 9092],
      [3, 8081],
    ]);
  });

  test("let one broker go at a time, or none", () => {
    expect(disruptionBudgetOf(clusterWith(), 0)["spec"]).toMatchObject({ maxUnavailable: 0 });
  });

  test("keep the token as long as the data", () => {
    expect(secretOf(clusterWith(), "t", false).metadata).not.toHaveProperty("ownerReferences");
    expect(secretOf(clusterWith(), "t", true).metadata.ownerReferences).toHaveLength(1);
  });
});

describe("comparing what is wished with what is there", () => {
  test("defaults and fields of others do not count, lists count whole", () => {
    expect(matches({ a: 1, b: [{ c: 2 }] }, { a: 1, b: [{ c: 2, d: 3 }], e: 4 })).toBe(true);
    expect(matches({ b: [1] }, { b: [1, 2] })).toBe(false);
    expect(matches({ a: { b: 1 } }, { a: {} })).toBe(false);
    expect(matches({ a: undefined, b: {} }, {})).toBe(true);
  });

  test("quantities count by their amount", () => {
    expect(matches({ cpu: "1000m", memory: "1024Mi" }, { cpu: "1", memory: "1Gi" })).toBe(true);
    expect(isSameQuantity("1Gi", "1G")).toBe(false);
    expect(quantityOf("1e9")).toBe(1e9);
    expect(quantityOf("12 GB")).toBeNull();
    expect(matches({ image: "a:1" }, { image: "a:2" })).toBe(false);
    // No quantities at all, however much they look like ones.
    expect(matches({ address: "10.0.0.1" }, { address: "10.0.0.2" })).toBe(false);
    expect(isSameQuantity("500u", "0.0005")).toBe(true);
  });

  test("equal values have one hash whatever the order of their keys", () => {
    expect(hashOf({ a: 1, b: [2] })).toBe(hashOf({ b: [2], a: 1 }));
    expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: 2 }));
  });
});

test("a PodMonitor scrapes brokers under their Cluster's name, with labels by which Prometheus picks it", () => {
  const monitoring = { podMonitor: { enabled: true, labels: { release: "prometheus" }, annotations: { team: "log" } } };
  const { metadata, spec } = podMonitorOf(clusterWith({ monitoring })) as ReturnType<typeof podMonitorOf> & {
    spec: { podMetricsEndpoints: readonly object[]; selector: object };
  };
  expect(metadata).toMatchObject({ labels: { release: "prometheus" }, annotations: { team: "log" } });
  expect(spec.selector).toMatchObject({ matchLabels: { "app.kubernetes.io/instance": "shop" } });
  expect(spec.podMetricsEndpoints).toEqual([
    {
      port: "http",
      path: "/metrics",
      relabelings: [
        { sourceLabels: ["__meta_kubernetes_pod_label_tidemark_dev_cluster"], targetLabel: "tidemark_cluster" },
      ],
    },
  ]);
});
