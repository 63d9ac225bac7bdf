import type { KubernetesObject } from "../ports/kubernetes.ts";
import { namespaceOf, type SpecContext } from "./context.ts";
import type { ClusterResource } from "./custom-resources.ts";
import { CLUSTER_LABEL, labelsOf, MANAGED_LABELS, namesOf, ownerOf, selectorOf } from "./naming.ts";
import { podTemplateOf } from "./pod.ts";

export const DEFAULT_STORAGE_SIZE = "10Gi";

export const isEphemeral = (cluster: ClusterResource): boolean => cluster.spec.storage?.ephemeral ?? false;
export const isDeletedWithCluster = (cluster: ClusterResource): boolean =>
  cluster.spec.storage?.deletionPolicy === "Delete";
export const storageSizeOf = (cluster: ClusterResource): string =>
  String(cluster.spec.storage?.size ?? DEFAULT_STORAGE_SIZE);

/**
 * All brokers at once (Parallel), and none replaced but by the operator (OnDelete). Its claims are never deleted by
 * it: with `whenDeleted: Delete`, a StatefulSet deleted by hand would take the data with it.
 */
export function statefulSetOf(
  context: SpecContext,
  { template, annotations }: { template: Record<string, unknown>; annotations: Readonly<Record<string, string>> },
): KubernetesObject {
  const { cluster, replicas } = context;
  const { name } = cluster.metadata;
  const names = namesOf(name);
  return {
    apiVersion: "apps/v1",
    kind: "StatefulSet",
    metadata: {
      name: names.statefulSet,
      namespace: namespaceOf(cluster),
      labels: labelsOf(name),
      annotations,
      ownerReferences: [ownerOf(cluster)],
    },
    spec: {
      serviceName: names.headless,
      replicas,
      podManagementPolicy: "Parallel",
      updateStrategy: { type: "OnDelete" },
      persistentVolumeClaimRetentionPolicy: { whenDeleted: "Retain", whenScaled: "Retain" },
      selector: { matchLabels: selectorOf(name) },
      template,
      ...(isEphemeral(cluster) ? {} : { volumeClaimTemplates: [claimTemplate(cluster)] }),
    },
  };
}

function claimTemplate(cluster: ClusterResource): object {
  const { storageClass } = cluster.spec.storage ?? {};
  const { name } = cluster.metadata;
  return {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "data", labels: { ...MANAGED_LABELS, [CLUSTER_LABEL]: name } },
    spec: {
      accessModes: ["ReadWriteOnce"],
      ...(storageClass === undefined ? {} : { storageClassName: storageClass }),
      resources: { requests: { storage: storageSizeOf(cluster) } },
    },
  };
}

/** The template that a Cluster asks for. */
export const desiredTemplateOf = (context: SpecContext): Record<string, unknown> => podTemplateOf(context);
