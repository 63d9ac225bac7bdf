import type { KubernetesObject } from "../ports/kubernetes.ts";

/*
 * The custom resources as the API server hands them out: validated and defaulted by their schemas. Only what
 * reconcilers and specs read stands here.
 */

export type Quantity = string | number;

export interface ListenerSpec {
  /** "internal" by the schema's default. */
  readonly name: string;
  readonly port: number;
  readonly type?: "internal" | "nodeport" | "loadbalancer";
  /** Templates: {pod}, {ordinal}, {podIp}, {nodeName}. */
  readonly advertisedHost?: string;
  /** A port, or digits before {ordinal}. */
  readonly advertisedPort?: string | number;
}

export interface StorageSpec {
  readonly size?: Quantity;
  readonly storageClass?: string;
  readonly ephemeral?: boolean;
  readonly deletionPolicy?: "Retain" | "Delete";
}

export interface ResourcesSpec {
  readonly requests?: Readonly<Record<string, Quantity>>;
  readonly limits?: Readonly<Record<string, Quantity>>;
}

export interface NamespacesSpec {
  readonly from?: "Same" | "All" | "Names";
  readonly names?: readonly string[];
}

export interface ClusterSpec {
  readonly replicas: number;
  readonly storage?: StorageSpec;
  readonly listeners?: readonly ListenerSpec[];
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  readonly rack?: { readonly topologyKey: string };
  readonly resources?: ResourcesSpec;
  readonly affinity?: object;
  readonly tolerations?: readonly object[];
  readonly topologySpreadConstraints?: readonly object[];
  readonly priorityClassName?: string;
  readonly podLabels?: Readonly<Record<string, string>>;
  readonly podAnnotations?: Readonly<Record<string, string>>;
  readonly podDisruptionBudget?: { readonly enabled?: boolean };
  readonly networkPolicy?: { readonly enabled?: boolean };
  readonly monitoring?: {
    readonly podMonitor?: {
      readonly enabled?: boolean;
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
  };
  readonly image?: string;
  readonly imagePullPolicy?: string;
  readonly imagePullSecrets?: readonly { readonly name: string }[];
  readonly allowedNamespaces?: NamespacesSpec;
}

export interface TopicSpec {
  readonly clusterRef: { readonly name: string; readonly namespace?: string };
  readonly topicName?: string;
  readonly partitions?: number;
  readonly replicationFactor?: number;
  readonly config?: Readonly<Record<string, string | number | boolean>>;
  readonly unmanagedConfig?: readonly string[];
  readonly deletionPolicy?: "Delete" | "Retain";
}

export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  /** CamelCase. */
  readonly reason: string;
  /** A sentence that says the next step where there is one. */
  readonly message: string;
  readonly observedGeneration: number;
  readonly lastTransitionTime: string;
}

export interface ClusterResource extends KubernetesObject {
  readonly spec: ClusterSpec;
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}

export interface TopicResource extends KubernetesObject {
  readonly spec: TopicSpec;
  readonly status?: Readonly<Record<string, unknown>> & { readonly conditions?: readonly Condition[] };
}
