import type { KubernetesObject } from "../ports/kubernetes.ts";
import { type Listener, listenersOf } from "../specs/broker-json.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { canonical } from "../specs/hash.ts";
import { ACCEPTED_LISTENERS_ANNOTATION } from "../specs/naming.ts";
import { noted } from "./cluster-config.ts";

function acceptedBefore(configMap: KubernetesObject | null): readonly Listener[] | null {
  const before = noted(configMap, ACCEPTED_LISTENERS_ANNOTATION);
  return Array.isArray(before) ? (before as Listener[]) : null;
}

/**
 * The Cluster with the listeners that its brokers have. Others are taken on once every broker that there is has its
 * addresses of them: a broker reads these at its start, and would be started twice.
 */
export function servedCluster(
  cluster: ClusterResource,
  at: { readonly configMap: KubernetesObject | null; readonly hasAddresses: boolean },
): ClusterResource {
  const before = acceptedBefore(at.configMap);
  if (at.hasAddresses || before === null || canonical(before) === canonical(listenersOf(cluster))) return cluster;
  return { ...cluster, spec: { ...cluster.spec, listeners: [...before] } };
}
