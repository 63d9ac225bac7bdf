import type { KubernetesObject, OwnerReference } from "../ports/kubernetes.ts";

export const CLUSTER_LABEL = "tidemark.dev/cluster";
export const BROKER_LABEL = "tidemark.dev/broker-id";
/** Of the desired object: what was asked for last, so that a field we no longer name is noticed. */
export const SPEC_HASH_ANNOTATION = "tidemark.dev/spec-hash";
/** On the pod template: changes with every setting that brokers read at their start only. */
export const CONFIG_HASH_ANNOTATION = "tidemark.dev/config-hash";
export const RESTART_ANNOTATION = "tidemark.dev/restarted-at";
export const PAUSE_ANNOTATION = "tidemark.dev/pause-reconciliation";
export const REPLACE_ANNOTATION = "tidemark.dev/replace-broker";
export const RECOVER_ANNOTATION = "tidemark.dev/recover-metadata";
/** On the StatefulSet: the template before this one, as JSON, for when the first broker does not come back. */
export const PREVIOUS_TEMPLATE_ANNOTATION = "tidemark.dev/previous-template";
/** On the StatefulSet: hash of a template with which the first broker did not come back. */
export const FAILED_TEMPLATE_ANNOTATION = "tidemark.dev/failed-template";
/** On the StatefulSet: which disk was given up, and the uid of its claim. */
export const REPLACED_ANNOTATION = "tidemark.dev/replaced";
/** On the StatefulSet: hash of the template that was asked for last. */
export const TEMPLATE_HASH_ANNOTATION = "tidemark.dev/template-hash";
/** On the ConfigMap: the settings found valid so far, as JSON, for when one of them turns invalid. */
export const ACCEPTED_CONFIG_ANNOTATION = "tidemark.dev/accepted-config";
/** On the ConfigMap: the listeners in force, as JSON, for when new ones have no addresses yet. */
export const ACCEPTED_LISTENERS_ANNOTATION = "tidemark.dev/accepted-listeners";
/** On the ConfigMap: keys of the running brokers' configuration that this Cluster set. */
export const DYNAMIC_CONFIG_ANNOTATION = "tidemark.dev/dynamic-config";

export const MANAGER = "tidemark-operator";

/** Names of everything that one Cluster has. */
export const namesOf = (cluster: string) => ({
  statefulSet: `${cluster}-broker`,
  headless: `${cluster}-brokers`,
  bootstrap: `${cluster}-bootstrap`,
  http: `${cluster}-http`,
  configMap: `${cluster}-config`,
  secret: `${cluster}-internal-token`,
  serviceAccount: `${cluster}-broker`,
  disruptionBudget: cluster,
  networkPolicy: `${cluster}-broker`,
  podMonitor: cluster,
  pod: (ordinal: number) => `${cluster}-broker-${ordinal}`,
  claim: (ordinal: number) => `data-${cluster}-broker-${ordinal}`,
  listener: (listener: string) => `${cluster}-bootstrap-${listener}`,
  brokerListener: (listener: string, ordinal: number) => `${cluster}-broker-${ordinal}-${listener}`,
});

/** What selects this cluster's broker pods. Never changes: selectors cannot. */
export const selectorOf = (cluster: string): Record<string, string> => ({
  "app.kubernetes.io/name": "tidemark",
  "app.kubernetes.io/instance": cluster,
  "app.kubernetes.io/component": "broker",
});

/** Labels of everything that belongs to a cluster. */
export const labelsOf = (cluster: string): Record<string, string> => ({
  ...selectorOf(cluster),
  "app.kubernetes.io/part-of": "tidemark",
  "app.kubernetes.io/managed-by": MANAGER,
  [CLUSTER_LABEL]: cluster,
});

/** Labels by which the operator finds what it made. */
export const MANAGED_LABELS: Readonly<Record<string, string>> = { "app.kubernetes.io/managed-by": MANAGER };

export function ownerOf(object: KubernetesObject): OwnerReference {
  const { apiVersion, kind, metadata } = object;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid ?? "", controller: true };
}

/** Broker id of a pod or claim of this cluster by its name's ordinal; null when it is not one. */
export function ordinalOf(name: string): number | null {
  const digits = /-(\d+)$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}
