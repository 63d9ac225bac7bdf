/** A column of `kubectl get`; `priority` 1: only with `-o wide`. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: "string" | "integer" | "date";
  readonly jsonPath: string;
  readonly description?: string;
  readonly priority?: number;
}

const age: PrinterColumn = { name: "Age", type: "date", jsonPath: ".metadata.creationTimestamp" };
const underReplicated: PrinterColumn = {
  name: "Under-replicated",
  type: "integer",
  jsonPath: ".status.underReplicatedPartitions",
  description: "Partitions with a replica that is not in sync",
};
const offline: PrinterColumn = {
  name: "Offline",
  type: "integer",
  jsonPath: ".status.offlinePartitions",
  description: "Partitions without a leader",
};
const condition = (type: string, part: "status" | "reason" | "message"): string =>
  `.status.conditions[?(@.type=="${type}")].${part}`;
const status: PrinterColumn = { name: "Status", type: "string", jsonPath: condition("Ready", "message") };

export const clusterColumns: readonly PrinterColumn[] = [
  { name: "Brokers", type: "integer", jsonPath: ".status.replicas", description: "Brokers that there are" },
  { name: "Ready", type: "integer", jsonPath: ".status.readyReplicas", description: "Brokers that are ready" },
  underReplicated,
  offline,
  status,
  age,
  { name: "Wanted", type: "integer", jsonPath: ".spec.replicas", priority: 1 },
  { name: "Progress", type: "string", jsonPath: condition("Progressing", "message"), priority: 1 },
  { name: "Version", type: "string", jsonPath: ".status.version", priority: 1 },
  { name: "Bootstrap", type: "string", jsonPath: ".status.bootstrap", priority: 1 },
];

export const topicColumns: readonly PrinterColumn[] = [
  { name: "Cluster", type: "string", jsonPath: ".spec.clusterRef.name" },
  { name: "Partitions", type: "integer", jsonPath: ".status.partitions", description: "Partitions that there are" },
  { name: "RF", type: "integer", jsonPath: ".status.replicationFactor", description: "Copies of each partition" },
  { name: "Ready", type: "string", jsonPath: condition("Ready", "status") },
  underReplicated,
  offline,
  status,
  age,
  { name: "Topic name", type: "string", jsonPath: ".status.topicName", priority: 1 },
  { name: "Topic ID", type: "string", jsonPath: ".status.topicId", priority: 1 },
  { name: "Cluster namespace", type: "string", jsonPath: ".spec.clusterRef.namespace", priority: 1 },
];

export const metadataShardColumns: readonly PrinterColumn[] = [
  { name: "Kind", type: "string", jsonPath: ".spec.kind" },
  { name: "Epoch", type: "integer", jsonPath: ".spec.controllerEpoch" },
  { name: "Sequence", type: "integer", jsonPath: ".spec.sequence" },
  age,
  { name: "Writer", type: "string", jsonPath: ".spec.writer", priority: 1 },
];
