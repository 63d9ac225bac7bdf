import { expect, test } from "@jest/globals";
import type { Cluster } from "./cluster.ts";
import { fieldsWithoutEffect } from "./local-effects.ts";
import type { Topic } from "./topic.ts";

const cluster = (spec: Partial<Cluster["spec"]>): Cluster => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Cluster",
  metadata: { name: "c" },
  spec: { replicas: 3, ...spec },
});
const topic = (spec: Partial<Topic["spec"]>): Topic => ({
  apiVersion: "tidemark.dev/v1alpha1",
  kind: "Topic",
  metadata: { name: "t" },
  spec: { clusterRef: { name: "c" }, ...spec },
});

test("what counts on one machine too is not spoken of", () => {
  const resource = cluster({
    storage: { size: "1Gi" },
    listeners: [{ name: "internal", port: 9092, type: "internal" }],
    config: { "num.partitions": "6" },
  });
  const topics = [topic({ topicName: "x", partitions: 3, replicationFactor: 3, config: { "retention.ms": "1" } })];
  expect(fieldsWithoutEffect(resource, topics)).toEqual([]);
  expect(fieldsWithoutEffect(null, [])).toEqual([]);
});

test("fields, values and further items without effect are named where they stand", () => {
  const resource = cluster({
    storage: { size: "1Gi", storageClass: "fast", deletionPolicy: "Delete" },
    listeners: [
      { port: 9092, type: "nodeport", advertisedHost: "{nodeName}" },
      { name: "b", port: 9093 },
    ],
    resources: { limits: { memory: "512Mi" } },
    podLabels: { team: "a" },
  });
  expect(fieldsWithoutEffect(resource, [])).toEqual([
    "Cluster spec.storage.storageClass",
    "Cluster spec.storage.deletionPolicy",
    "Cluster spec.listeners[0].type: nodeport",
    "Cluster spec.listeners[0].advertisedHost",
    "Cluster spec.listeners[1]",
    "Cluster spec.resources",
    "Cluster spec.podLabels",
  ]);
});

test("a field of many topics is named once", () => {
  const topics = ["a", "b", "c"].map((key) =>
    topic({ clusterRef: { name: "c", namespace: "n" }, unmanagedConfig: [key] }),
  );
  expect(fieldsWithoutEffect(null, topics)).toEqual(["Topic spec.clusterRef.namespace", "Topic spec.unmanagedConfig"]);
});
