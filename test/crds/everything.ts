import type { Value } from "./case.ts";

/** Specs and statuses with every field there is; a field that is missing here fails the tests of limits. */
const selector = {
  matchLabels: { app: "a" },
  matchExpressions: [{ key: "app", operator: "In", values: ["a"] }],
};
const nodeTerm = {
  matchExpressions: [{ key: "zone", operator: "In", values: ["a"] }],
  matchFields: [{ key: "metadata.name", operator: "In", values: ["a"] }],
};
const podTerm = {
  topologyKey: "zone",
  labelSelector: selector,
  namespaces: ["a"],
  namespaceSelector: selector,
  matchLabelKeys: ["a"],
  mismatchLabelKeys: ["b"],
};
const podAffinity = {
  requiredDuringSchedulingIgnoredDuringExecution: [podTerm],
  preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, podAffinityTerm: podTerm }],
};
const least = { cpu: "500m", memory: "512Mi", "ephemeral-storage": "1Mi" };
/** As much as a limit may be tried with, so that no request is above it. */
const most = { cpu: "2Gi", memory: "2Gi", "ephemeral-storage": "2Gi" };

export const wholeCluster: Value = {
  replicas: 3,
  storage: { size: "10Gi", storageClass: "fast", ephemeral: false, deletionPolicy: "Retain" },
  listeners: [
    { name: "a", port: 9092, type: "loadbalancer", advertisedHost: "{pod}.x", advertisedPort: "31000+{ordinal}" },
  ],
  http: { port: 8082 },
  config: { "log.cleanup.policy": "delete" },
  rack: { topologyKey: "topology.kubernetes.io/zone" },
  image: "example.org/tidemark:1",
  imagePullPolicy: "Always",
  imagePullSecrets: [{ name: "a" }],
  resources: { requests: least, limits: most },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [nodeTerm] },
      preferredDuringSchedulingIgnoredDuringExecution: [{ weight: 1, preference: nodeTerm }],
    },
    podAffinity,
    podAntiAffinity: podAffinity,
  },
  tolerations: [{ key: "a", operator: "Equal", value: "b", effect: "NoExecute", tolerationSeconds: 30 }],
  topologySpreadConstraints: [
    {
      maxSkew: 1,
      topologyKey: "zone",
      whenUnsatisfiable: "ScheduleAnyway",
      labelSelector: selector,
      matchLabelKeys: ["a"],
      minDomains: 1,
      nodeAffinityPolicy: "Honor",
      nodeTaintsPolicy: "Ignore",
    },
  ],
  priorityClassName: "high",
  podLabels: { "example.org/team": "a" },
  podAnnotations: { "example.org/note": "anything at all" },
  podDisruptionBudget: { enabled: true },
  networkPolicy: { enabled: false },
  monitoring: { podMonitor: { enabled: true, labels: { release: "a" }, annotations: { note: "a" } } },
  allowedNamespaces: { from: "Names", names: ["a"] },
};

const conditions = [
  {
    type: "Ready",
    status: "True",
    observedGeneration: 1,
    lastTransitionTime: "2026-01-02T03:04:05Z",
    reason: "AllWell",
    message: "3 of 3 brokers are ready",
  },
];

export const wholeClusterStatus: Value = {
  observedGeneration: 1,
  conditions,
  replicas: 3,
  readyReplicas: 3,
  minimumReplicas: 3,
  selector: "tidemark.dev/cluster=a",
  clusterId: "abc",
  version: "0.1.0",
  bootstrap: "a-bootstrap.default.svc:9092",
  listeners: [{ name: "a", bootstrap: "10.0.0.1:31000" }],
  topics: 2,
  partitions: 30,
  underReplicatedPartitions: 1,
  offlinePartitions: 0,
  progress: { moving: 2, bytesLeft: 10, message: "broker 3 is drained" },
};

export const wholeTopic: Value = {
  clusterRef: { name: "c", namespace: "n" },
  topicName: "Orders_1.eu",
  partitions: 24,
  replicationFactor: 3,
  config: { "cleanup.policy": "delete" },
  unmanagedConfig: ["retention.ms"],
  deletionPolicy: "Retain",
};

export const wholeTopicStatus: Value = {
  observedGeneration: 1,
  conditions,
  topicName: "Orders_1.eu",
  topicId: "abc",
  partitions: 24,
  replicationFactor: 3,
  underReplicatedPartitions: 0,
  offlinePartitions: 0,
  reassigningPartitions: 0,
  bytesLeft: 0,
};

export const wholeShard: Value = {
  kind: "Rows",
  controllerEpoch: 3,
  sequence: 7,
  writer: "tidemark-operator-0",
  data: "anything",
};
