import type { ObjectName } from "../ports/kubernetes.ts";
import type { Condition } from "../resources/conditions.ts";
import type { ClusterResource, TopicResource } from "../specs/custom-resources.ts";
import { hashOf } from "../specs/hash.ts";
import type { Caches } from "./caches.ts";
import type { ClusterIndexes } from "./cluster-index.ts";
import { isPaused } from "./cluster-observed.ts";
import { isBad, keyOfName, nameOfKey, shownOf } from "./cluster-reconciler.ts";
import { changedConditions } from "./conditions.ts";
import { problemOf } from "./admin-outcome.ts";
import type { ReconcilerPorts } from "./ports.ts";
import { askToMove } from "./reassignment-requests.ts";
import { topicStatus } from "./topic-conditions.ts";
import {
  clusterNameOf,
  planTopic,
  type TopicAsk,
  type TopicObserved,
  topicNameOf,
  type TopicPlan,
  type TopicRequest,
} from "./topic-plan.ts";
import { timestamp } from "./timestamp.ts";
import type { Reconciled } from "./work-queue.ts";

const RESYNC_MS = 30_000;
const WAITING_MS = 2000;

interface Memory {
  readonly uid: string;
  readonly refusals: Map<string, string>;
  written: Record<string, unknown> | null;
}

/** What a topic of a cluster is claimed by: namespace/cluster/topic. */
export const claimOfTopic = (topic: TopicResource): string =>
  `${keyOfName(clusterNameOf(topic))}/${topicNameOf(topic)}`;

/** One Topic: what its cluster's controller is asked for it, and what is said of it. */
export class TopicReconciler {
  readonly #ports: ReconcilerPorts;
  readonly #caches: Caches;
  readonly #indexes: ClusterIndexes;
  readonly #claimants: (claim: string) => readonly TopicResource[];
  readonly #memories = new Map<string, Memory>();

  /** `claimants`: every Topic that asks for one name of one cluster. */
  constructor(
    ports: ReconcilerPorts,
    links: { caches: Caches; indexes: ClusterIndexes; claimants: (claim: string) => readonly TopicResource[] },
  ) {
    this.#ports = ports;
    this.#caches = links.caches;
    this.#indexes = links.indexes;
    this.#claimants = links.claimants;
  }

  async reconcile(key: string): Promise<Reconciled> {
    if (!this.#caches.isSynced) return { requeueAfterMs: WAITING_MS / 4, hasFailed: false };
    const read = this.#caches.topics.get(nameOfKey(key)) as TopicResource | null;
    if (read === null || read.metadata.deletionTimestamp !== undefined) {
      this.#memories.delete(key);
      return { requeueAfterMs: null, hasFailed: false };
    }
    const memory = this.#memory(key, read.metadata.uid ?? "");
    const topic: TopicResource = memory.written === null ? read : { ...read, status: memory.written };
    const cluster = clusterNameOf(topic);
    const observed: TopicObserved = {
      topic,
      rivals: this.#claimants(claimOfTopic(topic)),
      cluster: this.#caches.clusters.get(cluster) as ClusterResource | null,
      status: this.#indexes.narrowed(cluster, topicNameOf(topic)),
      refusals: memory.refusals,
    };
    const plan = planTopic(observed);
    const isHeld = observed.cluster !== null && isPaused(observed.cluster);
    const hasFailed = isHeld ? false : await this.#execute(plan.requests, { cluster, topic, memory });
    const isWritten = await this.#writeStatus(observed, plan, memory);
    if (hasFailed || !isWritten) return { requeueAfterMs: null, hasFailed: true };
    const isWaiting = plan.bar !== null || plan.requests.length > 0;
    return { requeueAfterMs: isWaiting ? WAITING_MS : RESYNC_MS, hasFailed: false };
  }

  #memory(key: string, uid: string): Memory {
    const known = this.#memories.get(key);
    if (known !== undefined && known.uid === uid) return known;
    const memory: Memory = { uid, refusals: new Map(), written: null };
    this.#memories.set(key, memory);
    return memory;
  }

  async #execute(
    requests: readonly TopicRequest[],
    { cluster, topic, memory }: { cluster: ObjectName; topic: TopicResource; memory: Memory },
  ): Promise<boolean> {
    const { controls, kubernetes, logger } = this.#ports;
    const control = controls.get(cluster);
    memory.refusals.clear();
    if (control === null) return false;
    let hasFailed = false;
    for (const one of requests) {
      const problem =
        one.kind === "move"
          ? (await askToMove(control, one.request)).problem
          : problemOf(await control.admin(one.request));
      const where = { cluster: keyOfName(cluster), topic: topicNameOf(topic), what: one.key };
      if (problem === null) {
        // What moves is asked for again and again; the condition Reassigning tells of it.
        if (one.kind === "move") continue;
        logger.info("topic changed", where);
        kubernetes.event(topic, { type: "Normal", ...SAYS[one.key] });
        continue;
      }
      logger.warn("topic not changed", { ...where, why: problem });
      memory.refusals.set(one.key, problem);
      hasFailed = true;
    }
    if (requests.length > 0) this.#indexes.drop(cluster);
    return hasFailed;
  }

  /** What was said last stands while the cluster's controller starts here, or has moved elsewhere. */
  #isTakingOver({ topic, cluster, status }: TopicObserved, { written }: Memory): boolean {
    if (status !== null || cluster === null || topic.status?.conditions === undefined) return false;
    const condition = this.#ports.controls.get(clusterNameOf(topic))?.status().condition;
    return condition === "ended" || (written === null && (condition === undefined || condition === "starting"));
  }

  async #writeStatus(observed: TopicObserved, plan: TopicPlan, memory: Memory): Promise<boolean> {
    const { topic } = observed;
    const status = topicStatus(observed, plan, timestamp(this.#ports.clock.now()));
    if (hashOf(shownOf(topic, status)) === hashOf(status) || this.#isTakingOver(observed, memory)) return true;
    const { apiVersion, kind, metadata } = topic;
    const { namespace = "", name } = metadata;
    const outcome = await this.#ports.kubernetes.applyStatus({
      apiVersion,
      kind,
      metadata: { name, namespace },
      status,
    });
    if (outcome.kind !== "done") {
      // Deleted meanwhile: there is nobody to tell.
      if (outcome.kind === "notFound") return true;
      this.#ports.logger.warn("the status was not written", { topic: `${namespace}/${name}`, why: outcome.message });
      return false;
    }
    memory.written = status;
    const conditions = status["conditions"] as Condition[];
    for (const one of changedConditions(topic.status?.conditions ?? [], conditions)) {
      const type = isBad(one) ? "Warning" : "Normal";
      this.#ports.kubernetes.event(topic, { type, reason: one.reason, message: one.message });
    }
    return true;
  }
}

const SAYS: Readonly<Record<TopicAsk, { reason: string; message: string }>> = {
  create: { reason: "TopicCreated", message: "The topic was made." },
  own: { reason: "TopicAdopted", message: "The topic is managed by this Topic." },
  grow: { reason: "PartitionsAdded", message: "Partitions were added." },
  configure: { reason: "Configured", message: "The topic's configuration was put as asked." },
  delete: { reason: "TopicDeleted", message: "The topic of the Topic that was here before was deleted." },
};
