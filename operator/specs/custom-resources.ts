import type { KubernetesObject } from "../ports/kubernetes.ts";
import type { ClusterSpec } from "../resources/cluster.ts";
import type { Condition } from "../resources/conditions.ts";
import type { TopicSpec } from "../resources/topic.ts";

/*
 * The custom resources as the API server hands them out: validated and defaulted by their schemas. A status is what
 * some version of the operator wrote: of it only the conditions are relied upon.
 */

type WrittenStatus = Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };

export interface ClusterResource extends KubernetesObject {
  readonly spec: ClusterSpec;
  readonly status?: WrittenStatus;
}

export interface TopicResource extends KubernetesObject {
  readonly spec: TopicSpec;
  readonly status?: WrittenStatus;
}
