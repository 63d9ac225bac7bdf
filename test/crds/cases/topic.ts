import { type CreateCase, topic } from "../case.ts";

const create = (says: string, over: Record<string, unknown>, rest: Partial<CreateCase> = {}): CreateCase => ({
  says,
  kind: "Topic",
  spec: topic(over),
  ...rest,
});
const isr = (minIsr: string, replicationFactor?: number): Record<string, unknown> => ({
  config: { "min.insync.replicas": minIsr },
  ...(replicationFactor === undefined ? {} : { replicationFactor }),
});
const TOPIC_NAME_RULE = "must be letters, digits, '.', '_' and '-', and neither '.' nor '..'";

export const topicCases: readonly CreateCase[] = [
  create("the least that a Topic must say", {}, { becomes: { clusterRef: { name: "c" }, deletionPolicy: "Delete" } }),
  create("no Cluster", { clusterRef: undefined }, { refused: "spec.clusterRef: Required value" }),
  create(
    "a Cluster without a name",
    { clusterRef: { namespace: "n" } },
    { refused: "spec.clusterRef.name: Required value" },
  ),
  create("a Cluster elsewhere", { clusterRef: { name: "c", namespace: "n" } }),
  create(
    "a name that no Cluster can have",
    { clusterRef: { name: "C" } },
    { refused: "must be lower-case letters, digits and '-'" },
  ),
  create(
    "a namespace that cannot be",
    { clusterRef: { name: "c", namespace: "N" } },
    { refused: "must be lower-case" },
  ),

  ...["Orders_1.eu", "...", "..a", "__consumer_offsets", "-", "a".repeat(249)].map((topicName) =>
    create(`topic name ${topicName.slice(0, 30)}`, { topicName }),
  ),
  ...[".", "..", "a b", "a/b", "ä"].map((topicName) =>
    create(`topic name ${topicName}`, { topicName }, { refused: TOPIC_NAME_RULE }),
  ),
  {
    says: "a Topic whose own name is too long for Kafka",
    kind: "Topic",
    name: "a".repeat(250),
    spec: topic(),
    refused: "must have a spec.topicName of at most 249 characters: metadata.name is longer",
  },
  {
    says: "a Topic with a long name and a topicName",
    kind: "Topic",
    name: "a".repeat(250),
    spec: topic({ topicName: "a" }),
  },

  create("as many in sync as there are", isr("3", 3)),
  create("more in sync than there are", isr("4", 3), {
    refused: "must not have config min.insync.replicas above replicationFactor; lower it or raise replicationFactor",
  }),
  create("in sync of an unknown number", isr("4")),
  create("in sync in words", isr("two", 3), { refused: "must have whole numbers for keys that end in ms" }),
  create("far more in sync than there are", isr("9".repeat(18), 3), {
    refused: "must not have config min.insync.replicas",
  }),

  create("keys managed and unmanaged", { config: { "retention.ms": "1" }, unmanagedConfig: ["retention.bytes"] }),
  create(
    "a key both managed and unmanaged",
    { config: { "retention.ms": "1" }, unmanagedConfig: ["retention.ms"] },
    { refused: "must not have a key in both config and unmanagedConfig; remove it from one of them" },
  ),
  create(
    "an unmanaged key twice",
    { unmanagedConfig: ["a", "a"] },
    { refused: "spec.unmanagedConfig[1]: Duplicate value" },
  ),
  create("another deletion policy", { deletionPolicy: "Keep" }, { refused: 'supported values: "Delete", "Retain"' }),
  create("a number unquoted", { config: { "retention.ms": 5 } }, { refused: "spec.config.retention.ms" }),
  create(
    "a truth value that is none",
    { config: { "unclean.leader.election.enable": "no" } },
    {
      refused: "must have 'true' or 'false' for keys that end in enable",
    },
  ),
  create("a duration", { config: { "retention.ms": "7d" } }, { refused: "without a unit: retention.ms: '86400000'" }),
  create(
    "nulls, which kubectl drops, as if they were not there",
    { partitions: null, config: null, deletionPolicy: null },
    { becomes: { deletionPolicy: "Delete" }, localDiffers: "an empty field in a file is pointed at" },
  ),
  create("a field misspelt", { partition: 3 }, { refused: 'unknown field "spec.partition"' }),
];
