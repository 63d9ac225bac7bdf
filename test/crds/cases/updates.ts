import { cluster, topic, type UpdateCase } from "../case.ts";

const ofCluster = (says: string, before: object, after: object, refused?: string): UpdateCase => ({
  says,
  kind: "Cluster",
  before: cluster({ ...before }),
  after: { spec: cluster({ ...after }) },
  ...(refused === undefined ? {} : { refused }),
});
const ofStorage = (says: string, before: object, after: object, refused?: string): UpdateCase =>
  ofCluster(says, { storage: before }, { storage: after }, refused);
const ofTopic = (says: string, before: object, after: object, refused?: string): UpdateCase => ({
  says,
  kind: "Topic",
  before: topic({ ...before }),
  after: { spec: topic({ ...after }) },
  ...(refused === undefined ? {} : { refused }),
});
const SHRINK = "must not have a smaller size than before: volumes cannot shrink; set the old size or a greater one";
const CLASS = "must keep its storageClass: a volume cannot change its class; set the old one";
const EPHEMERAL = "must keep ephemeral as it was: data does not move; make a new Cluster and copy the topics";
const REFERENCE = "must stay as it was: a topic cannot move to another Cluster; make a new Topic there";
const RENAMED = "spec.topicName must stay as it was: topics cannot be renamed; make a new Topic";
const FEWER =
  "must not have fewer partitions than before: records would be lost; set the old number or make a new topic";
const MINIMUM = "spec.replicas must be at least status.minimumReplicas, the highest replication factor of a topic";

const scaled = (says: string, to: { from: number; minimum?: number; scale: number }, refused?: string): UpdateCase => ({
  says,
  kind: "Cluster",
  before: cluster({ replicas: to.from }),
  ...(to.minimum === undefined ? {} : { status: { minimumReplicas: to.minimum } }),
  after: { scale: to.scale },
  ...(refused === undefined ? {} : { refused }),
});

export const updateCases: readonly UpdateCase[] = [
  ofStorage("storage grows", { size: "10Gi" }, { size: "11Gi" }),
  ofStorage("storage said in another unit", { size: "1Gi" }, { size: "1024Mi" }),
  ofStorage("storage said as a number", { size: "1k" }, { size: 1000 }),
  ofStorage("storage shrinks", { size: "10Gi" }, { size: "9Gi" }, SHRINK),
  ofStorage("storage shrinks by a unit", { size: "10Gi" }, { size: "10G" }, SHRINK),
  ofStorage("storage shrinks to a number", { size: "1Gi" }, { size: 1 }, SHRINK),
  ofStorage("a size becomes no quantity", { size: "1Gi" }, { size: "2 GB" }, "must be a quantity such as 10Gi"),
  ofStorage("ephemeral storage loses its limit", { size: "1Gi", ephemeral: true }, { ephemeral: true }, SHRINK),
  ofStorage("a class is named later", { size: "1Gi" }, { size: "1Gi", storageClass: "a" }, CLASS),
  ofStorage("a class is taken away", { size: "1Gi", storageClass: "a" }, { size: "1Gi" }, CLASS),
  ofStorage("a class changes", { size: "1Gi", storageClass: "a" }, { size: "1Gi", storageClass: "b" }, CLASS),
  ofStorage("storage becomes ephemeral", { size: "1Gi" }, { size: "1Gi", ephemeral: true }, EPHEMERAL),
  ofStorage("storage is no longer ephemeral", { size: "1Gi", ephemeral: true }, { size: "1Gi" }, EPHEMERAL),
  ofStorage("ephemeral: false, left out", { size: "1Gi", ephemeral: false }, { size: "1Gi" }),
  ofStorage("a deletion policy changes", { size: "1Gi" }, { size: "1Gi", deletionPolicy: "Delete" }),
  ofCluster("storage is taken away", {}, { storage: undefined }, "must have storage: {size: 10Gi}"),
  ofCluster(
    "all that may change",
    { config: { "num.partitions": "1" } },
    { replicas: 5, config: {}, image: "a", listeners: [{ port: 9094 }], podLabels: { a: "b" } },
  ),

  scaled("scaled up", { from: 3, scale: 5 }),
  scaled("scaled down, when nothing is known of topics", { from: 3, scale: 1 }),
  scaled("scaled down to the highest replication factor", { from: 5, minimum: 3, scale: 3 }),
  scaled("scaled down below it", { from: 5, minimum: 3, scale: 2 }, MINIMUM),
  scaled("scaled to nothing", { from: 3, scale: 0 }, "spec.replicas"),
  scaled("scaled beyond the most", { from: 3, scale: 101 }, "spec.replicas"),
  scaled("scaled up, still below it", { from: 1, minimum: 3, scale: 2 }),
  {
    says: "written down below the highest replication factor",
    kind: "Cluster",
    before: cluster({ replicas: 5 }),
    status: { minimumReplicas: 3 },
    after: { spec: cluster({ replicas: 2 }) },
    refused: MINIMUM,
  },
  {
    says: "anything else, when there are already fewer brokers than that",
    kind: "Cluster",
    before: cluster({ replicas: 2 }),
    status: { minimumReplicas: 3 },
    after: { spec: cluster({ replicas: 2, image: "a" }) },
  },
  {
    says: "a label, when there are already fewer brokers than that",
    kind: "Cluster",
    before: cluster({ replicas: 2 }),
    status: { minimumReplicas: 3 },
    after: { label: "a" },
  },
  {
    says: "scaled below config default.replication.factor",
    kind: "Cluster",
    before: cluster({ config: { "default.replication.factor": "3" } }),
    after: { scale: 2 },
    refused: "must have at least as many replicas as config default.replication.factor",
  },

  ofTopic("partitions grow", { partitions: 3 }, { partitions: 4 }),
  ofTopic("partitions shrink", { partitions: 3 }, { partitions: 2 }, FEWER),
  ofTopic("partitions are left to themselves", { partitions: 3 }, {}),
  ofTopic("partitions are said later", {}, { partitions: 3 }),
  {
    says: "partitions are said later, fewer than there are",
    kind: "Topic",
    before: topic(),
    status: { partitions: 5 },
    after: { spec: topic({ partitions: 3 }) },
    refused: "spec.partitions must be at least status.partitions, which there are: fewer would lose records",
  },
  {
    says: "another field, while there are more partitions than asked for",
    kind: "Topic",
    before: topic({ partitions: 3 }),
    status: { partitions: 5 },
    after: { spec: topic({ partitions: 3, config: { "retention.ms": "1" } }) },
  },
  {
    says: "partitions grow, still fewer than there are",
    kind: "Topic",
    before: topic({ partitions: 3 }),
    status: { partitions: 5 },
    after: { spec: topic({ partitions: 4 }) },
    refused: "spec.partitions must be at least status.partitions",
  },
  ofTopic("a replication factor changes", { replicationFactor: 3 }, { replicationFactor: 2 }),
  ofTopic("another Cluster", {}, { clusterRef: { name: "d" } }, REFERENCE),
  ofTopic("a Cluster elsewhere", {}, { clusterRef: { name: "c", namespace: "n" } }, REFERENCE),
  ofTopic("a Cluster here", { clusterRef: { name: "c", namespace: "n" } }, {}, REFERENCE),
  ofTopic("another name", { topicName: "a" }, { topicName: "b" }, RENAMED),
  ofTopic("a name is taken away", { topicName: "a" }, {}, RENAMED),
  ofTopic("a name is given later", {}, { topicName: "b" }, RENAMED),
  ofTopic("policy and keys change", { config: { a: "b" } }, { deletionPolicy: "Retain", unmanagedConfig: ["a"] }),
];
