import type { ControllerStatus } from "../ports/cluster-control.ts";
import type { ClusterConditionType } from "../resources/conditions.ts";
import { listenersOf } from "../specs/broker-json.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { RECOVER_ANNOTATION, REPLACE_ANNOTATION, selectorOf } from "../specs/naming.ts";
import { isExternal } from "../specs/services.ts";
import { bootstrapOf } from "./advertised.ts";
import { CONFIG_KEY, type ClusterFacts, RESIZE_KEY } from "./cluster-plan.ts";
import { type ClusterObserved, decidingStatus, isPaused } from "./cluster-observed.ts";
import { conditionOf, conditionsOf, type Finding, type Findings, found } from "./conditions.ts";
import {
  isOffline,
  isReassigning,
  isUnderMinIsr,
  isUnderReplicated,
  namedPartitions,
  nameThem,
  targetFactor,
} from "./partitions.ts";
import { bytesLeft } from "./reassignment-requests.ts";
import { recoveryRefusal } from "./recovery-wish.ts";
import { replicasOf } from "./stateful-set-plan.ts";

type Health = ReturnType<typeof healthOf>;

function healthOf(status: ControllerStatus | null) {
  const partitions = status === null ? [] : namedPartitions(status);
  return {
    partitions,
    offline: partitions.filter(({ row }) => isOffline(row)),
    underReplicated: partitions.filter(({ row }) => isUnderReplicated(row)),
    underMinIsr: partitions.filter(({ row }) => isUnderMinIsr(row)),
    reassigning: partitions.filter(({ row }) => isReassigning(row)),
    minimumReplicas: Math.max(0, ...partitions.map(({ row }) => targetFactor(row))),
  };
}

const wasTrue = (cluster: ClusterResource, type: ClusterConditionType): boolean =>
  conditionOf(cluster, type)?.status === "True";

/** The first refusal of an object's making; resizing and settings have conditions of their own. */
function refusalOf({ memory }: ClusterObserved): string | null {
  for (const [key, message] of memory.refusals) {
    if (key !== RESIZE_KEY && key !== CONFIG_KEY) return `${key}: ${message}`;
  }
  return null;
}

function unready(observed: ClusterObserved): Finding | null {
  const { status } = observed;
  const refusal = refusalOf(observed);
  if (refusal !== null && observed.statefulSet === null) {
    return found("False", "ObjectRefused", `${refusal}. Correct what is named, or the quota; it is tried again.`);
  }
  if (status === null) return found("Unknown", "Starting", "The cluster's controller has yet to start.");
  switch (status.condition) {
    case "active":
      return null;
    case "starting":
    // Another process has it by now: what is true of it, that one says, and nothing is written here.
    case "ended":
      return found("Unknown", "Starting", "The cluster's controller is starting.");
    case "storeUnreachable":
      return found(
        "Unknown",
        "StoreUnreachable",
        "The API server does not take the cluster's metadata; nothing fails over.",
      );
    case "recovering":
      return found("Unknown", "Recovering", `The cluster's controller ${status.reason ?? "recovers"}.`);
    case "blocked":
      return lost(status, observed.cluster);
  }
}

function lost({ problem, reason }: ControllerStatus, cluster: ClusterResource): Finding {
  const name = problem?.kind === "rolledBack" ? "MetadataRolledBack" : "MetadataLost";
  const epoch = problem?.newestReported?.controllerEpoch;
  const says = problem?.reason ?? reason ?? "the cluster's metadata cannot be used";
  const next =
    epoch === undefined
      ? "Start the brokers: they report what they were told last."
      : `To go on from the newest that brokers hold: annotate the Cluster with ${RECOVER_ANNOTATION}="${epoch}".`;
  const refusal = recoveryRefusal(cluster, epoch ?? null);
  return found("False", name, `Nothing is decided: ${says}. ${refusal === null ? "" : `${refusal} `}${next}`);
}

function readyOf(observed: ClusterObserved, health: Health): Finding {
  const bar = unready(observed);
  if (bar !== null) return bar;
  const { cluster, pods } = observed;
  const status = observed.status!;
  if (health.offline.length > 0) {
    const waits = [...new Set(status.partitions.flatMap(({ waitingFor = [] }) => waitingFor))];
    const whom = waits.length === 0 ? "" : ` Broker ${waits.join(", ")} must come back.`;
    return found("False", "PartitionsOffline", `No leader: ${nameThem(health.offline)}.${whom}`);
  }
  if (health.underMinIsr.length > 0) {
    return found("False", "BelowMinIsr", `Below min.insync.replicas: ${nameThem(health.underMinIsr)}.`);
  }
  const registered = status.brokers.filter(({ isFenced }) => !isFenced).length;
  const wanted = cluster.spec.replicas;
  if (!wasTrue(cluster, "Ready") && registered < wanted) {
    return found(
      "False",
      "BrokersStarting",
      `${registered} of ${wanted} brokers have registered.${podTrouble(observed)}`,
    );
  }
  const ready = pods.filter((pod) => pod.isReady).length;
  if (ready === 0) return found("False", "NoBrokerReady", `No broker serves clients.${podTrouble(observed)}`);
  if (!wasTrue(cluster, "Ready") && ready < wanted) {
    return found("False", "BrokersStarting", `${ready} of ${wanted} brokers are ready.${podTrouble(observed)}`);
  }
  return found("True", "Serving", `${ready} of ${wanted} brokers serve.`);
}

/** What Kubernetes says of a pod that does not start. */
function podTrouble({ pods, cluster, claims }: ObservedParts): string {
  const pod = pods.find((one) => !one.isRunning && one.waitsFor !== null);
  if (pod === undefined) return "";
  const pending = claims.find(({ isPending, name }) => isPending && name.endsWith(pod.name));
  const storageClass = cluster.spec.storage?.storageClass ?? "the default";
  const volume =
    pending === undefined ? "" : ` Claim ${pending.name} waits for a volume; see storage class ${storageClass}.`;
  const why = pod.waitsMessage === "" ? "" : ` (${pod.waitsMessage})`;
  return ` Pod ${pod.name} waits: ${pod.waitsFor}${why}.${volume}`;
}
type ObservedParts = Pick<ClusterObserved, "pods" | "cluster" | "claims">;

/** What does not pass by itself, whatever a person asked for besides. */
const GRAVE: ReadonlySet<string> = new Set(["BrokerUnreachable", "BrokerMissing", "PartitionsOffline"]);

/** A refused wish is told beside what it was meant to mend. */
function degradedOf(observed: ClusterObserved, { replace }: ClusterFacts, health: Health): Finding {
  const state = lackOf(observed, health);
  if (replace.kind !== "refused" || state.status === "Unknown") return state;
  if (state.status === "False") return found("True", "ReplaceRefused", replace.message);
  const reason = GRAVE.has(state.reason) ? state.reason : "ReplaceRefused";
  return found("True", reason, `${replace.message} ${state.message}`);
}

function lackOf(observed: ClusterObserved, health: Health): Finding {
  const status = decidingStatus(observed);
  if (status === null) return found("Unknown", "NotDeciding", "The controller does not decide now; see Ready.");
  const silent = status.brokers.filter(({ isFenced }) => isFenced);
  // Whoever said that it leaves is expected back, or on its way out; of all others the first is spoken of.
  const isPlanned = silent.every(({ isShuttingDown }) => isShuttingDown);
  const first = silent.find(({ isShuttingDown }) => !isShuttingDown) ?? silent[0];
  if (first !== undefined) {
    const pod = observed.pods.find(({ broker }) => broker === first.id);
    const where = pod === undefined ? "it has no pod" : `pod ${pod.name} on ${pod.node === "" ? "no node" : pod.node}`;
    const names = silent.map(({ id }) => id).join(", ");
    if (isPlanned) return found("True", "BrokerRestarting", `Broker ${names} is being restarted.`);
    const message =
      `Broker ${names} has no session (${where}).${podTrouble(observed)} If its node is lost: bring it back, or give ` +
      "it the taint node.kubernetes.io/out-of-service. To give its disk up for good, annotate the Cluster with " +
      `${REPLACE_ANNOTATION}="${first.id}@${first.storageId}".`;
    return found("True", "BrokerUnreachable", message);
  }
  if (health.offline.length > 0) return found("True", "PartitionsOffline", `No leader: ${nameThem(health.offline)}.`);
  if (health.underReplicated.length > 0) {
    return found(
      "True",
      "UnderReplicated",
      `Not in sync: ${nameThem(health.underReplicated)}; brokers are catching up.`,
    );
  }
  const missing = (replicasOf(observed.statefulSet) ?? 0) - status.brokers.length;
  if (wasTrue(observed.cluster, "Ready") && missing > 0) {
    return found("True", "BrokerMissing", `${missing} brokers have yet to register.${podTrouble(observed)}`);
  }
  return found("False", "AllWell", "Every broker is there and in sync.");
}

function progressingOf(observed: ClusterObserved, facts: ClusterFacts, health: Health): Finding {
  const { roll, rollFailure, scale, storage, advertised } = facts;
  if (isPaused(observed.cluster)) return found("False", "Paused", "Reconciling is paused; see ReconciliationPaused.");
  const refusal = refusalOf(observed);
  if (refusal !== null) {
    return found("False", "ObjectRefused", `${refusal}. Correct what is named, or the quota; it is tried again.`);
  }
  if (rollFailure !== null) {
    const message =
      `${rollFailure} The template before is back in force, so that no other broker starts with this one. ` +
      "Change what was wrong in the Cluster and it is tried again.";
    return found("False", "RollFailed", message);
  }
  if (advertised.waiting.length > 0) {
    const isNew = facts.served === observed.cluster;
    const next = isNew ? "its brokers start when it has" : "until then listeners stay as they were";
    const message = `Service ${advertised.waiting.join(", ")} has no address yet; ${next}.`;
    return found("False", "WaitingForAddress", message);
  }
  if (roll.kind === "wait") return found(roll.reason === "Rolling" ? "True" : "False", roll.reason, roll.message);
  if (roll.kind === "replace") return found("True", "Rolling", roll.message);
  if (scale.finding !== null) return scale.finding;
  if (storage.finding.status === "False" && storage.finding.reason === "Resizing") {
    return found("True", "Resizing", storage.finding.message);
  }
  if (health.reassigning.length > 0) {
    return found("True", "Reassigning", `${health.reassigning.length} partitions are being moved.`);
  }
  if (!wasTrue(observed.cluster, "Ready") && observed.status?.condition !== "blocked") {
    return found("True", "Creating", `Brokers are starting.${podTrouble(observed)}`);
  }
  if (observed.waitsFor !== null) {
    const message =
      `Cluster ${observed.waitsFor} takes the operator's image first; mend or pause that one if it does not get on, ` +
      "or set spec.image here.";
    return found("False", "WaitingForOtherClusters", message);
  }
  return found("False", "UpToDate", "Everything is as the Cluster asks.");
}

function replicatedOf(observed: ClusterObserved, { underReplicated, offline, partitions }: Health): Finding {
  if (decidingStatus(observed) === null) {
    return found("Unknown", "NotDeciding", "The controller does not decide now; see Ready.");
  }
  const short = [...new Set([...offline, ...underReplicated])];
  if (short.length > 0) return found("False", "UnderReplicated", `Not in sync: ${nameThem(short)}.`);
  return found("True", "InSync", `Every replica of ${partitions.length} partitions is in sync.`);
}

function configOf(observed: ClusterObserved, facts: ClusterFacts): Finding {
  const { problems } = facts.accepted;
  if (problems.length > 0) {
    const message = `${problems.join("; ")}. Correct spec.config; until then the last valid value counts.`;
    return found("False", "InvalidConfig", message);
  }
  const refusal = observed.memory.refusals.get(CONFIG_KEY);
  if (refusal !== undefined) return found("False", "ConfigRefused", `${refusal}. Correct spec.config.`);
  if (facts.rollFailure !== null)
    return found("False", "RollFailed", "The last change is not in force; see Progressing.");
  if (decidingStatus(observed) === null) return found("Unknown", "NotDeciding", "The controller does not decide now.");
  if (facts.configChanges > 0) return found("False", "Applying", "Settings are being set on running brokers.");
  if (facts.roll.kind !== "upToDate") return found("False", "Rolling", "Brokers take it on as they are restarted.");
  return found("True", "Applied", "Every broker runs with this configuration.");
}

export function clusterFindings(observed: ClusterObserved, facts: ClusterFacts): Findings<ClusterConditionType> {
  const health = healthOf(decidingStatus(observed));
  const paused = isPaused(observed.cluster)
    ? found("True", "Annotated", "Nothing is changed until the annotation is removed; elections go on.")
    : found("False", "NotPaused", "The operator keeps the cluster as the Cluster asks.");
  return {
    Ready: readyOf(observed, health),
    Progressing: progressingOf(observed, facts, health),
    Degraded: degradedOf(observed, facts, health),
    FullyReplicated: replicatedOf(observed, health),
    ConfigApplied: configOf(observed, facts),
    StorageResized: facts.storage.finding,
    RacksKnown: facts.rack.finding,
    ReconciliationPaused: paused,
  };
}

export function clusterStatus(observed: ClusterObserved, facts: ClusterFacts, now: string): Record<string, unknown> {
  const { cluster, pods } = observed;
  const status = decidingStatus(observed);
  const health = healthOf(status);
  const { generation = 0 } = cluster.metadata;
  const selector = Object.entries(selectorOf(cluster.metadata.name)).map(([key, value]) => `${key}=${value}`);
  const listeners = listenersOf(facts.served);
  const bootstraps = listeners.flatMap((listener) => {
    const bootstrap = bootstrapOf(cluster, listener, observed);
    return bootstrap === null ? [] : [{ name: listener.name, bootstrap }];
  });
  const counts =
    status === null
      ? keptCounts(cluster)
      : {
          clusterId: status.clusterId,
          topics: status.topics.length,
          partitions: health.partitions.length,
          underReplicatedPartitions: health.underReplicated.length,
          offlinePartitions: health.offline.length,
          minimumReplicas: health.minimumReplicas,
          ...progressOf(status, facts, health),
        };
  const internal = listeners.find((listener) => !isExternal(listener));
  const bootstrap = bootstraps.find(({ name }) => name === internal?.name) ?? bootstraps[0];
  return {
    observedGeneration: generation,
    version: observed.settings.version,
    replicas: pods.length,
    readyReplicas: pods.filter((pod) => pod.isReady).length,
    selector: selector.join(","),
    ...(bootstrap === undefined ? {} : { bootstrap: bootstrap.bootstrap }),
    listeners: bootstraps,
    ...counts,
    conditions: conditionsOf(clusterFindings(observed, facts), {
      previous: cluster.status?.conditions ?? [],
      generation,
      now,
    }),
  };
}

/** What was counted last, while nobody can count. */
function keptCounts({ status }: ClusterResource): Record<string, unknown> {
  const names = [
    "clusterId",
    "topics",
    "partitions",
    "underReplicatedPartitions",
    "offlinePartitions",
    "minimumReplicas",
  ];
  return Object.fromEntries(names.flatMap((name) => (status?.[name] === undefined ? [] : [[name, status[name]]])));
}

function progressOf(status: ControllerStatus, { scale }: ClusterFacts, health: Health): object {
  const moving = health.reassigning.length;
  if (moving === 0 && scale.finding === null) return {};
  const bytes = bytesLeft(status);
  const message = scale.finding?.message ?? `${moving} partitions are being moved.`;
  return { progress: { moving, ...(bytes === null ? {} : { bytesLeft: bytes }), message } };
}
