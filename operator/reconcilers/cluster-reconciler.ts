import { brokerId, controllerEpoch } from "#base/ids.ts";
import type { ClusterControl } from "../ports/cluster-control.ts";
import type { KubernetesEvent, KubernetesObject, ObjectName } from "../ports/kubernetes.ts";
import { staticConfig } from "../specs/broker-json.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import type { Condition } from "../resources/conditions.ts";
import { hashOf } from "../specs/hash.ts";
import { namesOf, ownerOf, RECOVER_ANNOTATION } from "../specs/naming.ts";
import { secretOf } from "../specs/policies.ts";
import { isDeletedWithCluster } from "../specs/stateful-set.ts";
import { ApplyMemory } from "./apply-memory.ts";
import type { Caches, OwnedKind } from "./caches.ts";
import { clusterStatus } from "./cluster-conditions.ts";
import { acceptConfig } from "./cluster-config.ts";
import { type ClusterObserved, isPaused, type OperatorSettings } from "./cluster-observed.ts";
import { type Action, planCluster } from "./cluster-plan.ts";
import { changedConditions } from "./conditions.ts";
import { type Brokers, waitsForTurn } from "./default-image.ts";
import { type Done, type Executor, execute } from "./execute.ts";
import { NO_RACKS, NodeRacks } from "./node-racks.ts";
import { brokerPodOf } from "./pods.ts";
import type { ReconcilerPorts } from "./ports.ts";
import { recoveryRefusal } from "./recovery-wish.ts";
import { claimOf } from "./storage-plan.ts";
import { timestamp } from "./timestamp.ts";
import type { Reconciled } from "./work-queue.ts";

/** Something waits for what no event tells. */
const WAITING_MS = 2000;
/** Another Cluster goes first, and none of its changes wakes this one. */
const TURN_MS = 5000;
/** Everything is looked at again now and then, whatever the watches say. */
const RESYNC_MS = 30_000;
/** A controller that takes longer than this to start has a problem. */
const TAKEOVER_MS = 15_000;
const NOTHING_LEFT: Reconciled = { requeueAfterMs: null, hasFailed: false };
const NEEDED: ReadonlySet<string> = new Set(["ServiceAccount", "ConfigMap", "StatefulSet"]);
const TRY_AGAIN: Reconciled = { requeueAfterMs: null, hasFailed: true };

/** What is kept of one Cluster between two looks. Lost with the process, and nothing is wrong without it. */
interface Memory {
  /** Of the Cluster: one made anew under the same name is another one. */
  readonly uid: string;
  readonly refusals: Map<string, string>;
  /** Why wishes by annotation are not followed, as it was told last, by reason. */
  readonly answers: Map<string, string>;
  /** Containers that were seen to have ended. */
  readonly ended: Set<string>;
  levellingLeft: number | null;
  /** A PodMonitor may be there, of an earlier wish. */
  mayHaveMonitor: boolean;
  control: ClusterControl | null;
  unsubscribe: () => void;
  readonly sinceMs: number;
  /** The status that was written last; null before. The watch may lag behind it. */
  written: Record<string, unknown> | null;
}

const newMemory = (uid: string, sinceMs: number): Memory => ({
  uid,
  sinceMs,
  refusals: new Map(),
  answers: new Map(),
  ended: new Set(),
  levellingLeft: null,
  mayHaveMonitor: true,
  control: null,
  unsubscribe: () => {},
  written: null,
});

export interface ClusterReconcilerOptions {
  readonly settings: OperatorSettings;
  /** The controller of this cluster committed something. */
  readonly onCommitted: (cluster: ObjectName) => void;
}

export const keyOfName = ({ namespace, name }: ObjectName): string => `${namespace}/${name}`;

export function nameOfKey(key: string): ObjectName {
  const [namespace = "", name = ""] = key.split("/");
  return { namespace, name };
}

/** One Cluster: everything it has in Kubernetes, its controller, and what is said of it. */
export class ClusterReconciler {
  readonly #ports: ReconcilerPorts;
  readonly #caches: Caches;
  readonly #options: ClusterReconcilerOptions;
  readonly #memories = new Map<string, Memory>();
  readonly #applied = new ApplyMemory();
  readonly #nodeRacks: NodeRacks;

  constructor(ports: ReconcilerPorts, caches: Caches, options: ClusterReconcilerOptions) {
    this.#ports = ports;
    this.#caches = caches;
    this.#options = options;
    this.#nodeRacks = new NodeRacks(ports);
  }

  async reconcile(key: string): Promise<Reconciled> {
    if (!this.#caches.isSynced) return { requeueAfterMs: WAITING_MS / 4, hasFailed: false };
    const name = nameOfKey(key);
    const read = this.#caches.clusters.get(name) as ClusterResource | null;
    if (read === null) return this.#gone(name);
    if (read.metadata.deletionTimestamp !== undefined) return NOTHING_LEFT;
    const memory = this.#memory(key, read);
    const cluster: ClusterResource = memory.written === null ? read : { ...read, status: memory.written };
    const tokens = await this.#tokens(cluster, memory);
    const control = tokens === null ? null : this.#control(cluster, tokens, memory);
    const observed = await this.#observe(cluster, memory);
    const { actions, facts } = planCluster(observed);
    let hasFailed = tokens === null;
    if (!isPaused(cluster) && control !== null) {
      await this.#recover(observed, control, memory);
      const { replace } = facts;
      const refusal = replace.kind === "refused" ? replace.message : null;
      this.#answer(cluster, { memory, reason: "ReplaceRefused", refusal });
      hasFailed = (await this.#execute(actions, { observed, memory, control })) || hasFailed;
    }
    const isWritten = await this.#writeStatus(observed, facts, memory);
    if (hasFailed || !isWritten) return TRY_AGAIN;
    const isWaiting =
      facts.roll.kind !== "upToDate" || facts.scale.finding !== null || observed.status?.condition !== "active";
    const restMs = observed.waitsFor === null ? RESYNC_MS : TURN_MS;
    return { requeueAfterMs: isWaiting ? WAITING_MS : restMs, hasFailed: false };
  }

  stop(): void {
    for (const { unsubscribe } of this.#memories.values()) unsubscribe();
    this.#memories.clear();
  }

  #memory(key: string, { metadata }: ClusterResource): Memory {
    const known = this.#memories.get(key);
    if (known !== undefined && known.uid === metadata.uid) return known;
    known?.unsubscribe();
    const memory = newMemory(metadata.uid ?? "", this.#ports.clock.monotonic());
    this.#memories.set(key, memory);
    return memory;
  }

  /** What it had is owned by it, and goes by itself. Its controller goes only when the API server itself says so. */
  async #gone(name: ObjectName): Promise<Reconciled> {
    const { kubernetes, controls, logger } = this.#ports;
    if (controls.get(name) === null) return NOTHING_LEFT;
    const outcome = await kubernetes.get({ kind: "Cluster", ...name });
    if (outcome.kind === "done") return TRY_AGAIN;
    if (outcome.kind !== "notFound") return TRY_AGAIN;
    logger.info("the Cluster is gone; its controller ends", { cluster: keyOfName(name) });
    this.#memories.get(keyOfName(name))?.unsubscribe();
    this.#memories.delete(keyOfName(name));
    await controls.release(name);
    return NOTHING_LEFT;
  }

  /** The cluster's internal token, made once. Null when it could not be made. */
  async #tokens(cluster: ClusterResource, memory: Memory): Promise<readonly string[] | null> {
    const { kubernetes, random } = this.#ports;
    const { namespace = "" } = cluster.metadata;
    const name = namesOf(cluster.metadata.name).secret;
    const known = tokensOf(this.#caches.get("Secret", { namespace, name }));
    if (known !== null) return known;
    if (isPaused(cluster)) return null;
    const wanted = secretOf(cluster, random.id() + random.id(), isDeletedWithCluster(cluster));
    const outcome = await kubernetes.create(wanted);
    // There already, though the watch has not told yet.
    const made = outcome.kind === "conflict" ? await kubernetes.get({ kind: "Secret", namespace, name }) : outcome;
    if (made.kind !== "done") {
      memory.refusals.set(`Secret ${name}`, made.message);
      return null;
    }
    memory.refusals.delete(`Secret ${name}`);
    return tokensOf(made.value);
  }

  #control(cluster: ClusterResource, tokens: readonly string[], memory: Memory): ClusterControl {
    const { metadata, status, spec } = cluster;
    const name = { namespace: metadata.namespace ?? "", name: metadata.name };
    const configMap = this.#caches.get("ConfigMap", { ...name, name: namesOf(name.name).configMap });
    const { controller: _, ...owner } = ownerOf(cluster);
    const control = this.#ports.controls.ensure(name, {
      clusterId: typeof status?.["clusterId"] === "string" ? status["clusterId"] : "",
      config: staticConfig(acceptConfig(cluster, configMap).config, spec.replicas),
      tokens,
      metadataOwner: isDeletedWithCluster(cluster) ? owner : null,
      isPaused: isPaused(cluster),
    });
    if (memory.control !== control) {
      memory.unsubscribe();
      memory.control = control;
      memory.unsubscribe = control.subscribe(() => this.#options.onCommitted(name));
    }
    return control;
  }

  async #observe(cluster: ClusterResource, memory: Memory): Promise<ClusterObserved> {
    const name = { namespace: cluster.metadata.namespace ?? "", name: cluster.metadata.name };
    const names = namesOf(name.name);
    const { statefulSet, pods } = this.#brokersOf(name);
    for (const { ended, broker } of pods) {
      if (ended === null || memory.ended.has(ended)) continue;
      memory.ended.add(ended);
      memory.control?.suspect(brokerId(broker));
    }
    const rackKey = cluster.spec.rack?.topologyKey;
    return {
      settings: this.#options.settings,
      cluster,
      statefulSet,
      configMap: this.#caches.get("ConfigMap", { ...name, name: names.configMap }),
      secret: this.#caches.get("Secret", { ...name, name: names.secret }),
      services: this.#caches.of("Service", name),
      others: [
        ...this.#caches.of("PodDisruptionBudget", name),
        ...this.#caches.of("NetworkPolicy", name),
        ...(await this.#monitor(cluster, memory)),
      ],
      pods,
      claims: this.#caches.of("PersistentVolumeClaim", name).map(claimOf),
      racks: rackKey === undefined ? NO_RACKS : await this.#nodeRacks.of(rackKey, pods),
      status: memory.control?.status() ?? null,
      memory,
      waitsFor: this.#turnBefore(cluster),
      nowMs: this.#ports.clock.now(),
    };
  }

  #brokersOf({ namespace, name }: ObjectName): Brokers {
    const pods = this.#caches.of("Pod", { namespace, name }).flatMap((pod) => brokerPodOf(pod) ?? []);
    return {
      statefulSet: this.#caches.get("StatefulSet", { namespace, name: namesOf(name).statefulSet }),
      pods: pods.sort((a, b) => a.broker - b.broker),
    };
  }

  #turnBefore(cluster: ClusterResource): string | null {
    return waitsForTurn(cluster, {
      clusters: this.#caches.clusters.list() as readonly ClusterResource[],
      brokerImage: this.#options.settings.brokerImage,
      brokersOf: ({ metadata: { namespace = "", name } }) => this.#brokersOf({ namespace, name }),
    });
  }

  /** Its kind may not be installed, and then cannot be watched: it is asked for until it is not wanted, and gone. */
  async #monitor(cluster: ClusterResource, memory: Memory): Promise<readonly KubernetesObject[]> {
    const { namespace = "", name } = cluster.metadata;
    const isWanted = cluster.spec.monitoring?.podMonitor?.enabled === true;
    if (!isWanted && !memory.mayHaveMonitor) return [];
    const outcome = await this.#ports.kubernetes.get({ kind: "PodMonitor", namespace, name: namesOf(name).podMonitor });
    memory.mayHaveMonitor = isWanted || outcome.kind === "done" || outcome.kind === "unreachable";
    return outcome.kind === "done" ? [outcome.value] : [];
  }

  /** @returns whether something was not done. */
  async #execute(
    actions: readonly Action[],
    { observed, memory, control }: { observed: ClusterObserved; memory: Memory; control: ClusterControl },
  ): Promise<boolean> {
    const { kubernetes } = this.#ports;
    const { cluster, others } = observed;
    const namespace = cluster.metadata.namespace ?? "";
    const executor: Executor = {
      kubernetes,
      control,
      applied: this.#applied,
      observed: ({ kind, metadata: { name } }) =>
        this.#caches.get(kind as OwnedKind, { namespace, name }) ??
        others.find((other) => other.kind === kind && other.metadata.name === name) ??
        null,
    };
    let hasFailed = false;
    let isLevelling = false;
    const said: string[] = [];
    for (const action of actions) {
      const done = await execute(action, executor);
      this.#note(action, done, { cluster, memory, said });
      hasFailed ||= done.kind === "failed";
      if (done.kind === "done" && done.remaining !== undefined && done.remaining !== null) {
        memory.levellingLeft = done.remaining;
        isLevelling = true;
      }
      // Without its settings no template must be in force that names them, and nobody be restarted for them.
      if (done.kind === "failed" && action.kind === "apply" && NEEDED.has(action.object.kind)) break;
    }
    if (said.length > 0) this.#tell(cluster, { type: "Normal", reason: "Applied", message: said.join(" ") });
    if (!isLevelling) memory.levellingLeft = null;
    return hasFailed;
  }

  #note(
    action: Action,
    done: Done,
    { cluster, memory, said }: { cluster: ClusterResource; memory: Memory; said: string[] },
  ): void {
    const { logger } = this.#ports;
    const where = { cluster: keyOfName({ namespace: cluster.metadata.namespace ?? "", name: cluster.metadata.name }) };
    if (done.kind !== "failed") {
      memory.refusals.delete(action.key);
      if (done.kind === "nothing" || done.says === null) return;
      logger.info(done.says, where);
      // What is made and changed goes into one Event.
      if (action.kind === "apply") {
        said.push(done.says);
        return;
      }
      const reason = action.kind === "delete" && action.object.kind === "Pod" ? "RestartingBroker" : "Deleted";
      return this.#tell(cluster, { type: "Normal", reason, message: done.says });
    }
    logger.warn("not done", { ...where, what: action.key, why: done.message });
    if (!done.isRefused || memory.refusals.get(action.key) === done.message) return;
    memory.refusals.set(action.key, done.message);
    this.#tell(cluster, { type: "Warning", reason: "Refused", message: `${action.key}: ${done.message}` });
  }

  #tell(cluster: ClusterResource, event: KubernetesEvent): void {
    this.#ports.kubernetes.event(cluster, event);
  }

  /** Tells a person once why what they asked for by an annotation is not done. */
  #answer(
    cluster: ClusterResource,
    { memory, reason, refusal }: { memory: Memory; reason: string; refusal: string | null },
  ): void {
    if (refusal === null) memory.answers.delete(reason);
    else if (memory.answers.get(reason) !== refusal) {
      memory.answers.set(reason, refusal);
      this.#tell(cluster, { type: "Warning", reason, message: refusal });
    }
  }

  /** A person says to go on from the newest metadata that brokers hold. */
  async #recover({ cluster, status }: ClusterObserved, control: ClusterControl, memory: Memory): Promise<void> {
    const isWished = cluster.metadata.annotations?.[RECOVER_ANNOTATION] !== undefined;
    const isBlocked = status?.condition === "blocked";
    const epoch = status?.problem?.newestReported?.controllerEpoch ?? null;
    const refusal = isBlocked ? recoveryRefusal(cluster, epoch) : null;
    this.#answer(cluster, { memory, reason: "MetadataNotRecovered", refusal });
    if (!isWished || !isBlocked || epoch === null || refusal !== null) return;
    const outcome = await control.recover(controllerEpoch(epoch));
    const isDone = outcome.kind === "recovered" || outcome.kind === "notNeeded";
    const message = "reason" in outcome ? outcome.reason : `The metadata was rebuilt from epoch ${epoch}.`;
    this.#ports.logger.warn("recovery of metadata", { cluster: cluster.metadata.name, outcome: outcome.kind, message });
    const reason = isDone ? "MetadataRecovered" : "MetadataNotRecovered";
    this.#tell(cluster, { type: isDone ? "Normal" : "Warning", reason, message });
  }

  /** What the last holder said stands while the next one's controller starts: else it were unsaid and said again. */
  #isTakingOver({ cluster, status }: ClusterObserved, { sinceMs, written }: Memory): boolean {
    const hasStatus = written === null && cluster.status?.conditions !== undefined;
    const isStarting = status === null || status.condition === "starting";
    return hasStatus && isStarting && this.#ports.clock.monotonic() - sinceMs < TAKEOVER_MS;
  }

  /** Writes the status if it says anything new. @returns false when that failed. */
  async #writeStatus(
    observed: ClusterObserved,
    facts: Parameters<typeof clusterStatus>[1],
    memory: Memory,
  ): Promise<boolean> {
    const { cluster } = observed;
    const status = clusterStatus(observed, facts, timestamp(this.#ports.clock.now()));
    const conditions = status["conditions"] as Condition[];
    if (hashOf(shownOf(cluster, status)) === hashOf(status)) return true;
    // Another process has the cluster by now: what is true of it, that one says.
    if (observed.status?.condition === "ended" || this.#isTakingOver(observed, memory)) return true;
    const { apiVersion, kind, metadata } = cluster;
    const { namespace, name } = metadata;
    const object = { apiVersion, kind, metadata: { name, ...(namespace === undefined ? {} : { namespace }) }, status };
    const outcome = await this.#ports.kubernetes.applyStatus(object);
    if (outcome.kind !== "done") {
      this.#ports.logger.warn("the status was not written", { cluster: name, why: outcome.message });
      return false;
    }
    memory.written = status;
    for (const one of changedConditions(cluster.status?.conditions ?? [], conditions)) {
      this.#tell(cluster, { type: isBad(one) ? "Warning" : "Normal", reason: one.reason, message: one.message });
    }
    return true;
  }
}

/** The fields of a status that we write, as they stand. */
export function shownOf(object: KubernetesObject, written: Record<string, unknown>): Record<string, unknown> {
  const status = (object["status"] ?? {}) as Record<string, unknown>;
  const ours = new Set(["progress", "reassigningPartitions", "bytesLeft", ...Object.keys(written)]);
  return Object.fromEntries(Object.entries(status).filter(([key]) => ours.has(key)));
}

/** Reasons for which nothing progresses until a person acts. */
const STUCK: ReadonlySet<string> = new Set(["RollFailed", "ScaleDownRefused", "ObjectRefused"]);

/** True when the condition is told as a Warning. */
export function isBad({ type, status, reason }: Pick<Condition, "type" | "status" | "reason">): boolean {
  if (type === "Degraded") return status === "True";
  if (type === "Progressing") return status === "False" && STUCK.has(reason);
  return status === "False" && type !== "ReconciliationPaused" && type !== "Reassigning";
}

function tokensOf(secret: KubernetesObject | null): readonly string[] | null {
  if (secret === null) return null;
  const data = (secret["data"] ?? {}) as Record<string, string>;
  const read = (key: string): string =>
    Buffer.from(data[key] ?? "", "base64")
      .toString("utf8")
      .trim();
  const tokens = [...new Set([read("current"), read("previous")])].filter((token) => token !== "");
  return tokens.length === 0 ? null : tokens;
}
