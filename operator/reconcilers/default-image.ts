import type { KubernetesObject } from "../ports/kubernetes.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { FAILED_TEMPLATE_ANNOTATION, TEMPLATE_HASH_ANNOTATION } from "../specs/naming.ts";
import { isPaused } from "./cluster-observed.ts";
import type { BrokerPod } from "./pods.ts";
import { previousTemplateOf, replicasOf, templateOf, updateRevisionOf } from "./stateful-set-plan.ts";

/*
 * A changed default image rolls Clusters one after another: the first is the canary of all. Nothing is remembered:
 * whose turn it is follows from what the Clusters' StatefulSets and pods say, whichever operator looks.
 */

/** How far a Cluster is with the operator's image. `failed`: it was tried, and the one before is back in force. */
type Uptake = "done" | "behind" | "failed" | "rolling";

/** What is looked at of one Cluster. */
export interface Brokers {
  readonly statefulSet: KubernetesObject | null;
  readonly pods: readonly BrokerPod[];
}

/** Its image is the operator's, not one of its own. */
const isByDefault = ({ spec }: ClusterResource): boolean => spec.image === undefined || spec.image === "";

/** The image that a Cluster's brokers have now; null before there are any. */
export const imageInForce = ({ statefulSet, pods }: Brokers): string | null =>
  imageOf(templateOf(statefulSet)) ?? pods[0]?.image ?? null;

function imageOf(template: Record<string, unknown> | null): string | null {
  const spec = template?.["spec"] as { containers?: readonly { image?: string }[] } | undefined;
  return spec?.containers?.[0]?.image ?? null;
}

function uptakeOf(brokers: Brokers, brokerImage: string): Uptake {
  const { statefulSet, pods } = brokers;
  const image = imageInForce(brokers);
  if (image === null) return "done";
  if (image !== brokerImage) return hasFailed(statefulSet) ? "failed" : "behind";
  const previous = imageOf(previousTemplateOf(statefulSet));
  const isNew = (previous !== null && previous !== brokerImage) || pods.some((pod) => pod.image !== brokerImage);
  if (!isNew) return "done";
  const revision = updateRevisionOf(statefulSet);
  const isSettled =
    revision !== null &&
    pods.length >= (replicasOf(statefulSet) ?? 0) &&
    pods.every((pod) => pod.isReady && pod.revision === revision);
  return isSettled ? "done" : "rolling";
}

function hasFailed(statefulSet: KubernetesObject | null): boolean {
  const annotations = statefulSet?.metadata.annotations ?? {};
  const [failed] = (annotations[FAILED_TEMPLATE_ANNOTATION] ?? "").split(" ");
  return failed !== "" && failed === annotations[TEMPLATE_HASH_ANNOTATION];
}

const keyOf = ({ metadata }: ClusterResource): string => `${metadata.namespace ?? ""}/${metadata.name}`;

/**
 * The Cluster, as namespace/name, for which this one waits before it takes the operator's image; null when it need not.
 * Whoever rolls comes first, then whoever failed, since its failure would be that of all; of the others the first by
 * name. Paused Clusters are out of the row.
 */
export function waitsForTurn(
  cluster: ClusterResource,
  at: {
    readonly clusters: readonly ClusterResource[];
    readonly brokersOf: (cluster: ClusterResource) => Brokers;
    readonly brokerImage: string;
  },
): string | null {
  const inRow = (one: ClusterResource): boolean =>
    isByDefault(one) && !isPaused(one) && one.metadata.deletionTimestamp === undefined;
  const uptake = (one: ClusterResource): Uptake => uptakeOf(at.brokersOf(one), at.brokerImage);
  if (!inRow(cluster) || !["behind", "failed"].includes(uptake(cluster))) return null;
  const row = at.clusters
    .filter(inRow)
    .map((one) => ({ key: keyOf(one), uptake: uptake(one) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  const firstOf = (kind: Uptake) => row.find((one) => one.uptake === kind);
  const turn = (firstOf("rolling") ?? firstOf("failed") ?? firstOf("behind"))?.key ?? null;
  return turn === keyOf(cluster) ? null : turn;
}
