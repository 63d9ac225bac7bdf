import type { Cache, Kind, Kubernetes, KubernetesObject, ObjectName } from "../ports/kubernetes.ts";
import { CLUSTER_LABEL, MANAGED_LABELS } from "../specs/naming.ts";

/** Kinds of which one Cluster has many; each is kept by a watch. */
const OWNED = [
  "StatefulSet",
  "Pod",
  "Service",
  "ServiceAccount",
  "ConfigMap",
  "Secret",
  "PersistentVolumeClaim",
  "PodDisruptionBudget",
  "NetworkPolicy",
] as const satisfies readonly Kind[];
export type OwnedKind = (typeof OWNED)[number];

export interface CacheEvents {
  readonly onCluster: (cluster: KubernetesObject) => void;
  readonly onTopic: (topic: KubernetesObject) => void;
  /** Something of a Cluster's came, changed or went. */
  readonly onOwned: (cluster: ObjectName) => void;
}

/** All that reconcilers see of Kubernetes without asking. */
export class Caches {
  readonly clusters: Cache;
  readonly topics: Cache;
  readonly #owned = new Map<OwnedKind, Cache>();

  constructor(kubernetes: Kubernetes, options: { namespaces: readonly string[]; events: CacheEvents }) {
    const { namespaces, events } = options;
    this.clusters = kubernetes.watch({ kind: "Cluster", namespaces, onChange: events.onCluster });
    this.topics = kubernetes.watch({ kind: "Topic", namespaces, onChange: events.onTopic });
    for (const kind of OWNED) {
      const onChange = (object: KubernetesObject): void => {
        const name = object.metadata.labels?.[CLUSTER_LABEL];
        if (name !== undefined) events.onOwned({ namespace: object.metadata.namespace ?? "", name });
      };
      this.#owned.set(kind, kubernetes.watch({ kind, namespaces, labels: MANAGED_LABELS, onChange }));
    }
  }

  /** Until all are in, absence means nothing. */
  get isSynced(): boolean {
    return this.all().every(({ isSynced }) => isSynced);
  }

  all(): readonly Cache[] {
    return [this.clusters, this.topics, ...this.#owned.values()];
  }

  get(kind: OwnedKind, name: ObjectName): KubernetesObject | null {
    return this.#owned.get(kind)?.get(name) ?? null;
  }

  /** What belongs to one Cluster. */
  of(kind: OwnedKind, { namespace, name }: ObjectName): KubernetesObject[] {
    const cache = this.#owned.get(kind);
    return (cache?.list(namespace) ?? []).filter(({ metadata }) => metadata.labels?.[CLUSTER_LABEL] === name);
  }

  stop(): void {
    for (const cache of this.all()) cache.stop();
  }
}
