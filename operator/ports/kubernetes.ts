/** What every object of Kubernetes has; its other fields stand beside these. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

export interface ObjectMeta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly generation?: number;
  readonly creationTimestamp?: string;
  readonly deletionTimestamp?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly ownerReferences?: readonly OwnerReference[];
}

export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
  readonly controller?: boolean;
  readonly blockOwnerDeletion?: boolean;
}

/** The kinds that reconcilers read or write. */
export const kinds = {
  Cluster: { apiVersion: "tidemark.dev/v1alpha1", plural: "clusters" },
  Topic: { apiVersion: "tidemark.dev/v1alpha1", plural: "topics" },
  StatefulSet: { apiVersion: "apps/v1", plural: "statefulsets" },
  Pod: { apiVersion: "v1", plural: "pods" },
  Service: { apiVersion: "v1", plural: "services" },
  ServiceAccount: { apiVersion: "v1", plural: "serviceaccounts" },
  ConfigMap: { apiVersion: "v1", plural: "configmaps" },
  Secret: { apiVersion: "v1", plural: "secrets" },
  PersistentVolumeClaim: { apiVersion: "v1", plural: "persistentvolumeclaims" },
  Event: { apiVersion: "v1", plural: "events" },
  PodDisruptionBudget: { apiVersion: "policy/v1", plural: "poddisruptionbudgets" },
  NetworkPolicy: { apiVersion: "networking.k8s.io/v1", plural: "networkpolicies" },
  /** Of no namespace. */
  Node: { apiVersion: "v1", plural: "nodes" },
  PodMonitor: { apiVersion: "monitoring.coreos.com/v1", plural: "podmonitors" },
} as const;

export type Kind = keyof typeof kinds;

export interface ObjectName {
  readonly namespace: string;
  readonly name: string;
}

/** `namespace` is empty for kinds that have none. */
export type ObjectReference = ObjectName & { readonly kind: Kind };

/**
 * Why a call did not do what it was asked. `notFound`: the object, its namespace or its kind is not there.
 * `conflict`: it exists already, or its uid or version is another one. `refused`: it will be refused again until
 * something else changes (forbidden, invalid, quota). `unreachable`: nothing is known; try again.
 */
export interface Failed {
  readonly kind: "notFound" | "conflict" | "refused" | "unreachable";
  /** HTTP status; 0 without an answer. */
  readonly status: number;
  /** One line, the API server's own words where it had any. */
  readonly message: string;
}

export type Outcome<Value> = { readonly kind: "done"; readonly value: Value } | Failed;

/** One kind, kept up to date by a watch. Reads are from memory; whatever is there may be a little old. */
export interface Cache {
  readonly kind: Kind;
  /** True once the first list is in. Until then nothing may be concluded from absence. */
  readonly isSynced: boolean;
  /** Milliseconds since the API server last said anything of this kind (event, bookmark or list). */
  stalenessMs(): number;
  get(name: ObjectName): KubernetesObject | null;
  list(namespace?: string): readonly KubernetesObject[];
  stop(): void;
}

export interface WatchOptions {
  readonly kind: Kind;
  /** Empty: all of them. */
  readonly namespaces: readonly string[];
  /** Only objects with these labels. */
  readonly labels?: Readonly<Record<string, string>>;
  /** Called with what came, changed or went. Runs after the cache has it. */
  readonly onChange: (object: KubernetesObject) => void;
}

export interface KubernetesEvent {
  readonly type: "Normal" | "Warning";
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** The API server, as reconcilers need it. No call throws for what the server answers. */
export interface Kubernetes {
  /** Straight from the API server, never from a cache. */
  get(reference: ObjectReference): Promise<Outcome<KubernetesObject>>;
  list(
    kind: Kind,
    options: { namespace: string; labels?: Readonly<Record<string, string>> },
  ): Promise<Outcome<readonly KubernetesObject[]>>;
  /** Server-side apply as `tidemark-operator`, by force: exactly these fields are ours. */
  apply(object: KubernetesObject): Promise<Outcome<KubernetesObject>>;
  /** Server-side apply of `status` alone, as `tidemark-operator-status`. */
  applyStatus(object: KubernetesObject): Promise<Outcome<KubernetesObject>>;
  /** Only if nothing of that name is there. */
  create(object: KubernetesObject): Promise<Outcome<KubernetesObject>>;
  /** JSON merge patch. Of an object with another uid nothing is changed. */
  patch(reference: ObjectReference & { uid: string }, patch: object): Promise<Outcome<KubernetesObject>>;
  /** Only the object of that uid. `orphan`: what it owns stays. */
  delete(reference: ObjectReference & { uid: string }, options?: { propagation?: "orphan" }): Promise<Outcome<null>>;
  /** Writes an Event about `object`. Best effort: a failure is logged, never returned. */
  event(object: KubernetesObject, event: KubernetesEvent): void;
  watch(options: WatchOptions): Cache;
  /**
   * Whether objects of this kind could be made now: its definition is there, served, and not being deleted. False too
   * when it cannot be told.
   */
  isEstablished(kind: Kind): Promise<boolean>;
}
