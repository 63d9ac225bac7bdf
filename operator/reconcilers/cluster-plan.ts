import type { AdminRequest } from "#contract/control.ts";
import type { KubernetesObject } from "../ports/kubernetes.ts";
import { configKeyOf, configMapOf, httpApiPortOf, listenersOf } from "../specs/broker-json.ts";
import type { SpecContext } from "../specs/context.ts";
import type { ClusterResource } from "../specs/custom-resources.ts";
import { BROKER_LABEL, CLUSTER_LABEL, namesOf, ownerOf } from "../specs/naming.ts";
import { disruptionBudgetOf, networkPolicyOf, podMonitorOf, serviceAccountOf } from "../specs/policies.ts";
import {
  bootstrapServiceOf,
  externalServicesOf,
  headlessServiceOf,
  httpServiceOf,
  isExternal,
} from "../specs/services.ts";
import { isDeletedWithCluster, isEphemeral, storageSizeOf } from "../specs/stateful-set.ts";
import { type Advertised, advertisedOf, astrayBrokers } from "./advertised.ts";
import { type AcceptedConfig, acceptConfig, planDynamicConfig } from "./cluster-config.ts";
import { type ClusterObserved, decidingStatus } from "./cluster-observed.ts";
import { conditionOf } from "./conditions.ts";
import { imageInForce } from "./default-image.ts";
import { isBrittle, namedPartitions } from "./partitions.ts";
import type { BrokerPod } from "./pods.ts";
import type { MoveRequest } from "./reassignment-requests.ts";
import { planRacks, type RackPlan } from "./rack-plan.ts";
import { planReplace, type ReplacePlan } from "./replace-plan.ts";
import { planRoll, type RollPlan } from "./roll-plan.ts";
import { planScale, type ScalePlan } from "./scale-plan.ts";
import { servedCluster } from "./served-listeners.ts";
import {
  claimSizeOf,
  configHashOf,
  failureOf,
  planStatefulSet,
  previousTemplateOf,
  replacedOf,
  replicasOf,
  templateOf,
  updateRevisionOf,
} from "./stateful-set-plan.ts";
import { ownerUidOf, planStorage, type StoragePlan } from "./storage-plan.ts";

/** What a plan wants done, in this order. `key` names the wish, so that a refusal is known for what it was. */
export type Action =
  | { readonly kind: "apply"; readonly key: string; readonly object: KubernetesObject }
  | {
      readonly kind: "delete";
      readonly key: string;
      readonly object: ObjectIdentity;
      readonly isOrphaning?: boolean;
      /** Said in an Event; null: nobody needs to know. */
      readonly says: string | null;
    }
  | { readonly kind: "patch"; readonly key: string; readonly object: ObjectIdentity; readonly patch: object }
  | { readonly kind: "ask"; readonly key: string; readonly request: AdminRequest }
  | { readonly kind: "move"; readonly key: string; readonly request: MoveRequest };

export interface ObjectIdentity {
  readonly kind: "Pod" | "PersistentVolumeClaim" | "Secret" | "StatefulSet" | "Service" | OtherKind;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}
type OtherKind = "PodDisruptionBudget" | "NetworkPolicy" | "PodMonitor";

export interface ClusterPlan {
  readonly actions: readonly Action[];
  readonly facts: ClusterFacts;
}

/** What conditions are made of. */
export interface ClusterFacts {
  readonly accepted: AcceptedConfig;
  /** Of the listeners that are asked for. */
  readonly advertised: Advertised;
  /** The Cluster with the listeners that its brokers have. */
  readonly served: ClusterResource;
  readonly roll: RollPlan;
  /** Why the wished template is not in force. */
  readonly rollFailure: string | null;
  readonly scale: ScalePlan;
  readonly storage: StoragePlan;
  readonly replace: ReplacePlan;
  readonly rack: RackPlan;
  /** Settings of running brokers that are yet to be set. */
  readonly configChanges: number;
}

export const RESIZE_KEY = "resize";
export const CONFIG_KEY = "config";

export function planCluster(observed: ClusterObserved): ClusterPlan {
  const { cluster, statefulSet } = observed;
  const status = decidingStatus(observed);
  const scale = scaleOf(observed);
  const brokers = Math.max(cluster.spec.replicas, replicasOf(statefulSet) ?? 0, scale.replicas);
  const wanted = advertisedOf(cluster, observed.services, brokers);
  const hasAddresses = wanted.ready >= (replicasOf(statefulSet) ?? 0);
  const served = servedCluster(cluster, { configMap: observed.configMap, hasAddresses });
  const advertised = served === cluster ? wanted : advertisedOf(served, observed.services, brokers);
  const accepted = acceptConfig(cluster, observed.configMap);
  const context: SpecContext = {
    cluster: served,
    brokerImage: brokerImageOf(observed),
    operatorNamespace: observed.settings.namespace,
    clusterId: "",
    config: accepted.config,
    replicas: Math.max(
      Math.min(scale.replicas, advertised.ready),
      Math.min(scale.replicas, replicasOf(statefulSet) ?? 0),
    ),
    advertised: advertised.byListener,
  };
  const roll = rollOf(observed, advertised);
  const rack = planRacks(cluster, observed.racks, status);
  const isProven = observed.pods.some((pod) => pod.isReady && pod.revision === updateRevisionOf(statefulSet));
  const replace = replaceOf(observed);
  const storage = storageOf(observed, roll, failureOf(statefulSet, context) !== null);
  const wished = planStatefulSet(context, statefulSet, {
    isProven,
    putBack: roll.kind === "putBack" ? roll.message : null,
    replaced: replace.kind === "note" ? replace.note : replacedOf(statefulSet),
  });
  const dynamic = planDynamicConfig(accepted.config, { configMap: observed.configMap, status });
  const configMap = configMapOf(context, { ownedKeys: dynamic.ownedKeys, kept: keptVersions(observed) });
  const facts: ClusterFacts = {
    accepted,
    advertised: wanted,
    served,
    roll,
    rollFailure: roll.kind === "putBack" ? roll.message : failureOf(statefulSet, context),
    scale,
    storage,
    replace,
    rack,
    configChanges: dynamic.changes.length,
  };
  const outside = outsideServicesOf(new Set([cluster, served]), brokers);
  const isTerminating = statefulSet?.metadata.deletionTimestamp !== undefined;
  const actions: Action[] = [
    ...objectsOf(context, budgetOf(observed)).map(apply),
    ...outside.map(apply),
    apply(configMap),
    ...unwanted(observed, served, outside),
    ...(isTerminating ? [] : [apply(wished)]),
    ...labelled(observed),
    ...ownerActions(observed),
    ...storageActions(observed, storage),
    ...configActions(dynamic.changes),
    ...(rack.request === null ? [] : [ask("racks", rack.request)]),
    ...scaleActions(observed, scale),
    ...replaceActions(observed, replace),
    ...rollActions(observed, roll),
  ];
  return { actions, facts };
}

/** Until it is this Cluster's turn it keeps the image that it has, whatever else of it changes. */
const brokerImageOf = (observed: ClusterObserved): string =>
  (observed.waitsFor === null ? null : imageInForce(observed)) ?? observed.settings.brokerImage;

const apply = (object: KubernetesObject): Action => ({
  kind: "apply",
  key: `${object.kind} ${object.metadata.name}`,
  object,
});

const ask = (key: string, request: AdminRequest): Action => ({ kind: "ask", key, request });

/** What was said last of how it progresses. */
const progressReasonOf = (cluster: ClusterResource): string | undefined => conditionOf(cluster, "Progressing")?.reason;

const ROLLING: ReadonlySet<string> = new Set(["Rolling", "WaitingForISR", "WaitingForBroker"]);

/** What somebody is told an address of stays while they are told it. */
function outsideServicesOf(clusters: ReadonlySet<ClusterResource>, brokers: number): KubernetesObject[] {
  const ids = Array.from({ length: brokers }, (_, broker) => broker);
  const all = [...clusters].flatMap((cluster) => externalServicesOf(cluster, ids));
  const seen = new Set<string>();
  return all.filter(({ metadata: { name } }) => !seen.has(name) && seen.add(name));
}

function objectsOf(context: SpecContext, maxUnavailable: 0 | 1): KubernetesObject[] {
  const { cluster, operatorNamespace } = context;
  const { podDisruptionBudget, networkPolicy, monitoring } = cluster.spec;
  const apiPort = httpApiPortOf(cluster);
  return [
    serviceAccountOf(cluster),
    headlessServiceOf(cluster),
    ...(hasInternalListener(cluster) ? [bootstrapServiceOf(cluster)] : []),
    ...(apiPort === null ? [] : [httpServiceOf(cluster, apiPort)]),
    ...(networkPolicy?.enabled === false ? [] : [networkPolicyOf(cluster, operatorNamespace)]),
    ...(podDisruptionBudget?.enabled === false ? [] : [disruptionBudgetOf(cluster, maxUnavailable)]),
    ...(monitoring?.podMonitor?.enabled === true ? [podMonitorOf(cluster)] : []),
  ];
}

const hasInternalListener = (cluster: ClusterResource): boolean =>
  listenersOf(cluster).some((listener) => !isExternal(listener));

/** Nobody may be evicted while a partition could not lose another broker. Unknown: as it was. */
function budgetOf(observed: ClusterObserved): 0 | 1 {
  const status = decidingStatus(observed);
  if (status !== null) return status.partitions.some(isBrittle) ? 0 : 1;
  const present = observed.others.find(({ kind }) => kind === "PodDisruptionBudget");
  return (present?.["spec"] as { maxUnavailable?: number } | undefined)?.maxUnavailable === 0 ? 0 : 1;
}

/** Versions of the settings that a pod or a template still names. */
function keptVersions({ configMap, pods, statefulSet }: ClusterObserved): Record<string, string> {
  const data = (configMap?.["data"] ?? {}) as Record<string, string>;
  const hashes = [
    ...pods.map((pod) => pod.configHash ?? null),
    configHashOf(templateOf(statefulSet)),
    configHashOf(previousTemplateOf(statefulSet)),
  ];
  const keys = new Set(hashes.flatMap((hash) => (hash === null ? [] : [configKeyOf(hash)])));
  return Object.fromEntries(Object.entries(data).filter(([key]) => keys.has(key)));
}

const identityOf = (object: KubernetesObject): ObjectIdentity => ({
  kind: object.kind as ObjectIdentity["kind"],
  namespace: object.metadata.namespace ?? "",
  name: object.metadata.name,
  uid: object.metadata.uid ?? "",
});

/** Ours, labelled as ours, and no longer asked for. */
function unwanted(observed: ClusterObserved, served: ClusterResource, outside: readonly KubernetesObject[]): Action[] {
  const { cluster, services, others } = observed;
  const { podDisruptionBudget, networkPolicy, monitoring } = cluster.spec;
  const names = namesOf(cluster.metadata.name);
  const wanted = new Set([
    names.headless,
    ...(hasInternalListener(served) ? [names.bootstrap] : []),
    ...(httpApiPortOf(served) === null ? [] : [names.http]),
    ...outside.map(({ metadata }) => metadata.name),
  ]);
  // Others are found by their labels; a PodMonitor by its name, which somebody else's may have.
  const isOurs = ({ metadata }: KubernetesObject): boolean =>
    metadata.labels?.[CLUSTER_LABEL] === cluster.metadata.name;
  const isOff = (object: KubernetesObject): boolean =>
    (object.kind === "PodDisruptionBudget" && podDisruptionBudget?.enabled === false) ||
    (object.kind === "NetworkPolicy" && networkPolicy?.enabled === false) ||
    (object.kind === "PodMonitor" && monitoring?.podMonitor?.enabled !== true && isOurs(object));
  return [...services.filter(({ metadata }) => !wanted.has(metadata.name)), ...others.filter(isOff)].map((object) => ({
    kind: "delete",
    key: `${object.kind} ${object.metadata.name}`,
    object: identityOf(object),
    says: `${object.kind} ${object.metadata.name} is no longer asked for.`,
  }));
}

const podIdentity = (cluster: ClusterResource, pod: BrokerPod): ObjectIdentity => ({
  kind: "Pod",
  namespace: cluster.metadata.namespace ?? "",
  name: pod.name,
  uid: pod.uid,
});

function labelled({ cluster, pods }: ClusterObserved): Action[] {
  return pods
    .filter((pod) => !pod.hasBrokerLabel && !pod.isTerminating)
    .map((pod) => ({
      kind: "patch",
      key: `label ${pod.name}`,
      object: podIdentity(cluster, pod),
      patch: { metadata: { labels: { [BROKER_LABEL]: String(pod.broker) } } },
    }));
}

function scaleOf(observed: ClusterObserved): ScalePlan {
  const { cluster, statefulSet, pods, memory } = observed;
  return planScale({
    wanted: cluster.spec.replicas,
    present: replicasOf(statefulSet),
    pods: new Set(pods.map(({ broker }) => broker)),
    status: decidingStatus(observed),
    wasLevelling: progressReasonOf(cluster) === "ScalingUp",
    levellingLeft: memory.levellingLeft,
  });
}

function rollOf(observed: ClusterObserved, advertised: Advertised): RollPlan {
  const status = decidingStatus(observed);
  const { statefulSet, pods } = observed;
  if (statefulSet === null) return { kind: "upToDate" };
  const sessions = (status?.brokers ?? []).filter(
    ({ sessionAgeMs, isFenced, isShuttingDown }) => sessionAgeMs !== null && !isFenced && !isShuttingDown,
  );
  // Only of these it is known that they registered since they were made.
  const ready = new Set(pods.filter(({ isReady }) => isReady).map(({ broker }) => broker));
  return planRoll({
    pods,
    brokers: Array.from({ length: replicasOf(statefulSet) ?? 0 }, (_, broker) => broker),
    updateRevision: updateRevisionOf(statefulSet),
    partitions: status === null ? null : namedPartitions(status),
    alive: new Set(sessions.map(({ id }) => id as number)),
    leads: new Map((status?.brokers ?? []).map(({ id, leads }) => [id as number, leads])),
    hasPreviousTemplate: previousTemplateOf(statefulSet) !== null,
    astray: new Set(astrayBrokers(advertised, sessions).filter((broker) => ready.has(broker))),
    wasRolling: ROLLING.has(progressReasonOf(observed.cluster) ?? ""),
    nowMs: observed.nowMs,
  });
}

function storageOf(observed: ClusterObserved, roll: RollPlan, hasFailedRoll: boolean): StoragePlan {
  const { cluster, statefulSet, claims, memory } = observed;
  return planStorage({
    isEphemeral: isEphemeral(cluster),
    wanted: storageSizeOf(cluster),
    template: claimSizeOf(statefulSet),
    claims,
    refusal: memory.refusals.get(RESIZE_KEY) ?? null,
    isSettled: roll.kind === "upToDate" && !hasFailedRoll,
  });
}

/** Under deletionPolicy Delete claims and token go with the Cluster; else they must not. */
function ownerActions({ cluster, claims, secret }: ClusterObserved): Action[] {
  const namespace = cluster.metadata.namespace ?? "";
  const wanted = isDeletedWithCluster(cluster) ? (cluster.metadata.uid ?? null) : null;
  const patch = { metadata: { ownerReferences: wanted === null ? null : [ownerOf(cluster)] } };
  const of = (kind: "PersistentVolumeClaim" | "Secret", name: string, uid: string): Action => ({
    kind: "patch",
    key: `owner of ${name}`,
    object: { kind, namespace, name, uid },
    patch,
  });
  const strays = claims.filter(({ owner }) => owner !== wanted);
  const isSecretStray = secret !== null && ownerUidOf(secret) !== wanted;
  return [
    ...strays.map(({ name, uid }) => of("PersistentVolumeClaim", name, uid)),
    ...(isSecretStray ? [of("Secret", secret.metadata.name, secret.metadata.uid ?? "")] : []),
  ];
}

function storageActions({ cluster, statefulSet }: ClusterObserved, storage: StoragePlan): Action[] {
  const namespace = cluster.metadata.namespace ?? "";
  const grow = storage.grow.map(
    ({ name, uid }): Action => ({
      kind: "patch",
      key: RESIZE_KEY,
      object: { kind: "PersistentVolumeClaim", namespace, name, uid },
      patch: { spec: { resources: { requests: { storage: storageSizeOf(cluster) } } } },
    }),
  );
  if (!storage.isRemade || statefulSet === null) return grow;
  const says = `The StatefulSet is made anew with claims of ${storageSizeOf(cluster)}; its pods stay.`;
  const remake: Action = {
    kind: "delete",
    key: "remake StatefulSet",
    object: identityOf(statefulSet),
    isOrphaning: true,
    says,
  };
  return [...grow, remake];
}

function configActions(changes: ReturnType<typeof planDynamicConfig>["changes"]): Action[] {
  if (changes.length === 0) return [];
  const resources = [{ kind: "broker" as const, name: "", changes }];
  return [ask(CONFIG_KEY, { kind: "alterConfigs", resources, validateOnly: false })];
}

/** A claim goes before its broker is forgotten: cut off in between, the next look finishes it. */
function scaleActions({ cluster, claims }: ClusterObserved, scale: ScalePlan): Action[] {
  const names = namesOf(cluster.metadata.name);
  const namespace = cluster.metadata.namespace ?? "";
  const gone = scale.emptied.flatMap((broker) => claims.filter(({ name }) => name === names.claim(broker)));
  return [
    ...gone.map(
      ({ name, uid }): Action => ({
        kind: "delete",
        key: `claim ${name}`,
        object: { kind: "PersistentVolumeClaim", namespace, name, uid },
        says: `${name} was drained and is deleted.`,
      }),
    ),
    ...scale.requests.map(
      (request): Action => ({ kind: "move", key: `${request.kind} ${brokerOf(request)}`, request }),
    ),
  ];
}

const brokerOf = (request: MoveRequest): string => ("broker" in request ? String(request.broker) : "");

function replaceOf(observed: ClusterObserved): ReplacePlan {
  const { cluster, claims, pods, statefulSet } = observed;
  return planReplace({ cluster, claims, pods, status: decidingStatus(observed), noted: replacedOf(statefulSet) });
}

/** The claim first: it stays for as long as its pod does. */
function replaceActions({ cluster }: ClusterObserved, replace: ReplacePlan): Action[] {
  if (replace.kind !== "replace") return [];
  const namespace = cluster.metadata.namespace ?? "";
  const { claim, pod, message: says } = replace;
  const actions: Action[] = [];
  if (claim !== null) {
    const object: ObjectIdentity = { kind: "PersistentVolumeClaim", namespace, name: claim.name, uid: claim.uid };
    actions.push({ kind: "delete", key: `claim ${claim.name}`, object, says });
  }
  if (pod !== null)
    actions.push({ kind: "delete", key: `replace ${pod.name}`, object: podIdentity(cluster, pod), says });
  return actions;
}

function rollActions({ cluster }: ClusterObserved, roll: RollPlan): Action[] {
  if (roll.kind !== "replace") return [];
  return roll.pods.map((pod) => ({
    kind: "delete",
    key: `replace ${pod.name}`,
    object: podIdentity(cluster, pod),
    says: roll.message,
  }));
}
