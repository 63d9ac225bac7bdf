import type { KubernetesObject } from "../ports/kubernetes.ts";
import { BROKER_HTTP_PORT, BROKER_HTTP_PORT_NAME } from "../resources/listeners.ts";
import { httpApiPortOf, listenersOf, OPERATOR_SERVICE } from "./broker-json.ts";
import { namespaceOf } from "./context.ts";
import type { ClusterResource } from "./custom-resources.ts";
import { labelsOf, namesOf, ownerOf, selectorOf } from "./naming.ts";

const meta = (cluster: ClusterResource, name: string) => ({
  name,
  namespace: namespaceOf(cluster),
  labels: labelsOf(cluster.metadata.name),
  ownerReferences: [ownerOf(cluster)],
});

/** `maxUnavailable` 1; 0 while some partition could not lose another broker. */
export const disruptionBudgetOf = (cluster: ClusterResource, maxUnavailable: 0 | 1): KubernetesObject => ({
  apiVersion: "policy/v1",
  kind: "PodDisruptionBudget",
  metadata: meta(cluster, namesOf(cluster.metadata.name).disruptionBudget),
  spec: {
    maxUnavailable,
    selector: { matchLabels: selectorOf(cluster.metadata.name) },
    // A broker that is not ready may be evicted only when the budget allows it: it may be the last that has a record.
    unhealthyPodEvictionPolicy: "IfHealthyBudget",
  },
});

/**
 * Kafka's listeners, and the HTTP API where there is one, are open to all; the brokers' own HTTP port, which
 * replication and metrics share, to brokers of this cluster, to the operator, and to whoever scrapes. Every request
 * that could do harm there needs the token besides.
 */
export function networkPolicyOf(cluster: ClusterResource, operatorNamespace: string): KubernetesObject {
  const { name } = cluster.metadata;
  const apiPort = httpApiPortOf(cluster);
  const open = [...listenersOf(cluster).map(({ port }) => port), ...(apiPort === null ? [] : [apiPort])];
  const brokers = { podSelector: { matchLabels: selectorOf(name) } };
  const operator = {
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": operatorNamespace } },
    podSelector: { matchLabels: { "app.kubernetes.io/name": OPERATOR_SERVICE } },
  };
  const scrapers = {
    namespaceSelector: {},
    podSelector: { matchLabels: { "app.kubernetes.io/name": "prometheus" } },
  };
  return {
    apiVersion: "networking.k8s.io/v1",
    kind: "NetworkPolicy",
    metadata: meta(cluster, namesOf(name).networkPolicy),
    spec: {
      podSelector: { matchLabels: selectorOf(name) },
      policyTypes: ["Ingress"],
      ingress: [
        { ports: open.map((port) => ({ port, protocol: "TCP" })) },
        { from: [brokers, operator, scrapers], ports: [{ port: BROKER_HTTP_PORT, protocol: "TCP" }] },
      ],
    },
  };
}

export const serviceAccountOf = (cluster: ClusterResource): KubernetesObject => ({
  apiVersion: "v1",
  kind: "ServiceAccount",
  metadata: meta(cluster, namesOf(cluster.metadata.name).serviceAccount),
  automountServiceAccountToken: false,
});

/** The token that every internal HTTP endpoint demands. It outlives the Cluster with the data that it guards. */
export const secretOf = (cluster: ClusterResource, token: string, isOwned: boolean): KubernetesObject => {
  const { ownerReferences, ...rest } = meta(cluster, namesOf(cluster.metadata.name).secret);
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: isOwned ? { ...rest, ownerReferences } : rest,
    type: "Opaque",
    stringData: { current: token, previous: token },
  };
};

function monitorMeta(cluster: ClusterResource): KubernetesObject["metadata"] {
  const { labels, annotations } = cluster.spec.monitoring?.podMonitor ?? {};
  const ours = meta(cluster, namesOf(cluster.metadata.name).podMonitor);
  return {
    ...ours,
    labels: { ...labels, ...ours.labels },
    ...(annotations === undefined ? {} : { annotations }),
  };
}

/** The Cluster's name, under a name that nothing else uses: alerts and dashboards group by it. */
export const CLUSTER_RELABELING = {
  sourceLabels: ["__meta_kubernetes_pod_label_tidemark_dev_cluster"],
  targetLabel: "tidemark_cluster",
} as const;

export const podMonitorOf = (cluster: ClusterResource): KubernetesObject => ({
  apiVersion: "monitoring.coreos.com/v1",
  kind: "PodMonitor",
  metadata: monitorMeta(cluster),
  spec: {
    selector: { matchLabels: selectorOf(cluster.metadata.name) },
    podMetricsEndpoints: [{ port: BROKER_HTTP_PORT_NAME, path: "/metrics", relabelings: [CLUSTER_RELABELING] }],
  },
});
