import { every } from "#base/clock.ts";
import type { KubernetesObject, ObjectName } from "../ports/kubernetes.ts";
import type { TopicResource } from "../specs/custom-resources.ts";
import { Caches } from "./caches.ts";
import { ClusterIndexes } from "./cluster-index.ts";
import type { OperatorSettings } from "./cluster-observed.ts";
import { ClusterReconciler, keyOfName } from "./cluster-reconciler.ts";
import type { ReconcilerPorts } from "./ports.ts";
import { TopicOwners } from "./topic-owners.ts";
import { clusterNameOf } from "./topic-plan.ts";
import { claimOfTopic, TopicReconciler } from "./topic-reconciler.ts";
import { WorkQueue } from "./work-queue.ts";

export interface ReconcilersOptions {
  /** Namespaces that are served; empty: all. */
  readonly namespaces: readonly string[];
  readonly settings: OperatorSettings;
}

export interface Reconcilers {
  /** Every kind has been read once. */
  readonly isSynced: boolean;
  /** Per kind that is watched: how long ago the API server last said anything of it. */
  watchStalenessMs(): Iterable<readonly [kind: string, stalenessMs: number]>;
  /** Per queue: keys that wait to be looked at. */
  queueDepths(): Iterable<readonly [controller: string, depth: number]>;
  /** Ends the watches and whatever is under way. Controllers stay: their end is the caller's. */
  stop(): Promise<void>;
}

/** Names of the queues, in metrics and logs. */
export const CONTROLLERS = ["cluster", "topic", "topic-owners"] as const;
type Queues = Readonly<Record<(typeof CONTROLLERS)[number], WorkQueue>>;

const CLUSTERS_AT_ONCE = 4;
const TOPICS_AT_ONCE = 8;
const CLUSTER_REST_MS = 200;
const TOPIC_REST_MS = 1000;
const RESYNC_MS = 60_000;

/** Starts everything that makes the world what Clusters and Topics ask for. Only the holder of the Lease may. */
export function startReconcilers(ports: ReconcilerPorts, options: ReconcilersOptions): Reconcilers {
  const indexes = new ClusterIndexes(ports.controls);
  const claims = new Claims();
  const caches = new Caches(ports.kubernetes, {
    namespaces: options.namespaces,
    events: {
      onCluster: (cluster) => wakeAll(nameOf(cluster)),
      onTopic: (topic) => onTopic(topic as TopicResource),
      onOwned: (name) => clusterQueue.add(keyOfName(name)),
    },
  });
  const clusters = new ClusterReconciler(ports, caches, {
    settings: options.settings,
    onCommitted: (name) => wakeAll(name),
  });
  const topics = new TopicReconciler(ports, { caches, indexes, claimants: (claim) => claims.of(claim) });
  const owners = new TopicOwners(ports, { caches, indexes }, options);
  const clusterQueue = new WorkQueue(ports, {
    name: "cluster",
    concurrency: CLUSTERS_AT_ONCE,
    restMs: CLUSTER_REST_MS,
    reconcile: (key) => clusters.reconcile(key),
  });
  const topicQueue = new WorkQueue(ports, {
    name: "topic",
    concurrency: TOPICS_AT_ONCE,
    restMs: TOPIC_REST_MS,
    reconcile: (key) => topics.reconcile(key),
  });
  const ownerQueue = new WorkQueue(ports, {
    name: "topic-owners",
    concurrency: 1,
    restMs: TOPIC_REST_MS,
    reconcile: (key) => owners.reconcile(key),
  });
  const queues: Queues = { cluster: clusterQueue, topic: topicQueue, "topic-owners": ownerQueue };

  function wakeAll(name: ObjectName): void {
    indexes.drop(name);
    const key = keyOfName(name);
    clusterQueue.add(key);
    ownerQueue.add(key);
    for (const topic of claims.ofCluster(key)) topicQueue.add(keyOfName(nameOf(topic)));
  }

  function onTopic(topic: TopicResource): void {
    const name = nameOf(topic);
    const isThere = caches.topics.get(name)?.metadata.uid === topic.metadata.uid;
    if (isThere) claims.add(topic);
    else claims.remove(topic);
    topicQueue.add(keyOfName(name));
    // Whoever waited for the name may have it now, or has lost it.
    for (const rival of claims.of(claimOfTopic(topic))) topicQueue.add(keyOfName(nameOf(rival)));
    if (!isThere) ownerQueue.add(keyOfName(clusterNameOf(topic)));
  }

  const resync = every(ports.clock, RESYNC_MS, () => {
    for (const cluster of caches.clusters.list()) wakeAll(nameOf(cluster));
    for (const topic of caches.topics.list()) topicQueue.add(keyOfName(nameOf(topic)));
  });
  return {
    get isSynced() {
      return caches.isSynced;
    },
    watchStalenessMs: () => caches.all().map((cache) => [cache.kind, cache.stalenessMs()]),
    queueDepths: () => Object.entries(queues).map(([name, queue]) => [name, queue.depth]),
    async stop() {
      resync.cancel();
      caches.stop();
      await Promise.all(Object.values(queues).map((queue) => queue.stop()));
      clusters.stop();
    },
  };
}

const nameOf = ({ metadata }: KubernetesObject): ObjectName => ({
  namespace: metadata.namespace ?? "",
  name: metadata.name,
});

/** Which Topics ask for which name of which cluster. */
class Claims {
  readonly #byClaim = new Map<string, Map<string, TopicResource>>();
  readonly #byCluster = new Map<string, Map<string, TopicResource>>();
  readonly #known = new Map<string, TopicResource>();

  of(claim: string): readonly TopicResource[] {
    return [...(this.#byClaim.get(claim)?.values() ?? [])];
  }

  ofCluster(key: string): readonly TopicResource[] {
    return [...(this.#byCluster.get(key)?.values() ?? [])];
  }

  add(topic: TopicResource): void {
    const key = keyOfName(nameOf(topic));
    const old = this.#known.get(key);
    if (old !== undefined) this.remove(old);
    this.#known.set(key, topic);
    put(this.#byClaim, claimOfTopic(topic), { key, topic });
    put(this.#byCluster, keyOfName(clusterNameOf(topic)), { key, topic });
  }

  remove(topic: TopicResource): void {
    const key = keyOfName(nameOf(topic));
    if (this.#known.get(key)?.metadata.uid !== topic.metadata.uid) return;
    this.#known.delete(key);
    this.#byClaim.get(claimOfTopic(topic))?.delete(key);
    this.#byCluster.get(keyOfName(clusterNameOf(topic)))?.delete(key);
  }
}

function put(
  groups: Map<string, Map<string, TopicResource>>,
  group: string,
  { key, topic }: { key: string; topic: TopicResource },
): void {
  const members = groups.get(group);
  if (members === undefined) groups.set(group, new Map([[key, topic]]));
  else members.set(key, topic);
}
