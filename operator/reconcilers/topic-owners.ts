import type { TopicOwner, TopicRow } from "#contract/rows.ts";
import type { ObjectName } from "../ports/kubernetes.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import type { Caches } from "./caches.ts";
import type { ClusterIndexes } from "./cluster-index.ts";
import { isPaused } from "./cluster-observed.ts";
import { nameOfKey } from "./cluster-reconciler.ts";
import { problemOf } from "./admin-outcome.ts";
import type { ReconcilerPorts } from "./ports.ts";
import type { Reconciled } from "./work-queue.ts";

const RESYNC_MS = 30_000;
/** A definition that is being deleted takes its objects along first, and says so a moment later. */
const CONFIRM_MS = 1500;

export interface TopicOwnersOptions {
  /** Namespaces that this operator serves; empty: all. Of others nothing can be said. */
  readonly namespaces: readonly string[];
}

/**
 * Topics whose resource went away: there are no finalizers, so nobody waits for this, and it may be done days later.
 * A topic goes only if its resource said so while it was there, and the API server itself says, twice, that it is gone
 * while such resources could be made. Everything else than a plain "not found" is no proof.
 */
export class TopicOwners {
  readonly #ports: ReconcilerPorts;
  readonly #caches: Caches;
  readonly #indexes: ClusterIndexes;
  readonly #options: TopicOwnersOptions;
  /** Topic ids that were found without their resource, and since when. */
  readonly #missing = new Map<string, number>();

  constructor(ports: ReconcilerPorts, links: { caches: Caches; indexes: ClusterIndexes }, options: TopicOwnersOptions) {
    this.#ports = ports;
    this.#caches = links.caches;
    this.#indexes = links.indexes;
    this.#options = options;
  }

  /** Looks at every topic of one cluster. */
  async reconcile(key: string): Promise<Reconciled> {
    if (!this.#caches.isSynced) return { requeueAfterMs: CONFIRM_MS, hasFailed: false };
    const name = nameOfKey(key);
    const cluster = this.#caches.clusters.get(name) as ClusterResource | null;
    if (cluster === null) return { requeueAfterMs: null, hasFailed: false };
    const { topics } = this.#indexes.of(name);
    let requeueAfterMs = RESYNC_MS;
    if (isPaused(cluster)) return { requeueAfterMs, hasFailed: false };
    let hasFailed = false;
    for (const row of topics.values()) {
      const { owner } = row;
      if (owner === undefined || this.#isThere(owner)) {
        this.#missing.delete(row.topicId);
        continue;
      }
      const outcome = await this.#look(name, row, owner);
      if (outcome === "later") requeueAfterMs = CONFIRM_MS;
      if (outcome === "failed") hasFailed = true;
    }
    return { requeueAfterMs, hasFailed };
  }

  #isThere({ namespace, name, uid }: TopicOwner): boolean {
    return this.#caches.topics.get({ namespace, name })?.metadata.uid === uid;
  }

  async #look(cluster: ObjectName, row: TopicRow, owner: TopicOwner): Promise<"done" | "later" | "failed"> {
    const { kubernetes, clock, logger } = this.#ports;
    const { namespaces } = this.#options;
    if (namespaces.length > 0 && !namespaces.includes(owner.namespace)) return "done";
    const isProven =
      (await kubernetes.isEstablished("Topic")) &&
      (await this.#isGone(owner)) &&
      (await kubernetes.isEstablished("Topic"));
    if (!isProven) {
      this.#missing.delete(row.topicId);
      return "done";
    }
    const sinceMs = this.#missing.get(row.topicId);
    if (sinceMs === undefined) {
      this.#missing.set(row.topicId, clock.monotonic());
      return "later";
    }
    if (clock.monotonic() - sinceMs < CONFIRM_MS) return "later";
    this.#missing.delete(row.topicId);
    const control = this.#ports.controls.get(cluster);
    if (control === null) return "failed";
    const { topicId } = row;
    const response = await control.admin(
      owner.deletionPolicy === "Delete"
        ? { kind: "deleteTopics", topics: [{ name: null, topicId }] }
        : { kind: "ownTopics", topics: [{ topicId, owner: null }] },
    );
    this.#indexes.drop(cluster);
    const problem = problemOf(response);
    const where = {
      cluster: `${cluster.namespace}/${cluster.name}`,
      topic: row.name,
      resource: `${owner.namespace}/${owner.name}`,
    };
    if (problem !== null) {
      logger.warn("a topic without its resource was left as it is", { ...where, why: problem });
      return "failed";
    }
    const what = owner.deletionPolicy === "Delete" ? "deleted" : "retained";
    logger.info(`topic ${what}: its resource is gone`, where);
    return "done";
  }

  async #isGone({ namespace, name, uid }: TopicOwner): Promise<boolean> {
    const outcome = await this.#ports.kubernetes.get({ kind: "Topic", namespace, name });
    if (outcome.kind === "done") return outcome.value.metadata.uid !== uid;
    return outcome.kind === "notFound";
  }
}
