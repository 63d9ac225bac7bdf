import { validateTopicConfig } from "#contract/config-values.ts";
import type { AdminRequest, ConfigChange } from "#contract/control.ts";
import type { PartitionRow, TopicOwner, TopicRow } from "#contract/rows.ts";
import type { ControllerStatus } from "../ports/cluster-control.ts";
import type { ClusterResource, TopicResource } from "../specs/custom-resources.ts";
import { targetFactor } from "./partitions.ts";
import { awaitsRacks } from "./rack-plan.ts";
import type { MoveRequest } from "./reassignment-requests.ts";

export interface TopicObserved {
  readonly topic: TopicResource;
  /** Every Topic that asks for the same name of the same Cluster, this one included. */
  readonly rivals: readonly TopicResource[];
  readonly cluster: ClusterResource | null;
  /** Null while the cluster's controller does not decide. Only this topic and its partitions need be in it. */
  readonly status: ControllerStatus | null;
  /** What the controller refused when it was asked last, by what was asked. */
  readonly refusals: ReadonlyMap<string, string>;
}

/** What is asked at once. */
export type TopicAsk = "create" | "own" | "grow" | "configure" | "delete";

export type TopicRequest =
  | { readonly kind: "ask"; readonly key: TopicAsk; readonly request: AdminRequest }
  | { readonly kind: "move"; readonly key: "replicate"; readonly request: MoveRequest };

/** Why a Topic is not looked after. */
export type Bar =
  | "ClusterNotFound"
  | "NamespaceNotAllowed"
  | "ResourceConflict"
  | "ControllerNotReady"
  | "RacksPending"
  | "ReplacingPrevious"
  | "OwnedByAnother";

export interface TopicPlan {
  readonly requests: readonly TopicRequest[];
  readonly bar: { readonly reason: Bar; readonly message: string } | null;
  readonly row: TopicRow | null;
  readonly partitions: readonly PartitionRow[];
  /** Settings that are wrong, one line each. */
  readonly problems: readonly string[];
}

export const topicNameOf = ({ metadata, spec }: TopicResource): string => spec.topicName ?? metadata.name;

export const clusterNameOf = ({ metadata, spec }: TopicResource): { namespace: string; name: string } => ({
  namespace: spec.clusterRef.namespace ?? metadata.namespace ?? "",
  name: spec.clusterRef.name,
});

const policyOf = ({ spec }: TopicResource): "Delete" | "Retain" => spec.deletionPolicy ?? "Delete";

export const ownerOfTopic = (topic: TopicResource): TopicOwner => ({
  namespace: topic.metadata.namespace ?? "",
  name: topic.metadata.name,
  uid: topic.metadata.uid ?? "",
  deletionPolicy: policyOf(topic),
});

export function isAllowed(cluster: ClusterResource, namespace: string): boolean {
  if (namespace === cluster.metadata.namespace) return true;
  const { from = "Same", names = [] } = cluster.spec.allowedNamespaces ?? {};
  return from === "All" || (from === "Names" && names.includes(namespace));
}

/** The older of two Topics has the name; of the same second, the one whose uid sorts first. */
function isOlder(a: TopicResource, b: TopicResource): boolean {
  const [first, second] = [a.metadata.creationTimestamp ?? "", b.metadata.creationTimestamp ?? ""];
  return first === second ? (a.metadata.uid ?? "") < (b.metadata.uid ?? "") : first < second;
}

export function planTopic(observed: TopicObserved): TopicPlan {
  const { topic, cluster, status } = observed;
  const name = topicNameOf(topic);
  const row = status?.topics.find((one) => one.name === name) ?? null;
  const partitions = row === null ? [] : (status?.partitions.filter(({ topicId }) => topicId === row.topicId) ?? []);
  const barred = (reason: Bar, message: string, requests: readonly TopicRequest[] = []): TopicPlan => ({
    requests,
    bar: { reason, message },
    row: null,
    partitions: [],
    problems: [],
  });
  const ref = clusterNameOf(topic);
  if (cluster === null) {
    const message = `There is no Cluster ${ref.name} in namespace ${ref.namespace}. Create it, or correct clusterRef.`;
    return barred("ClusterNotFound", message);
  }
  const namespace = topic.metadata.namespace ?? "";
  // A Topic that is not let in must not hold a name against those that are.
  const rivals = observed.rivals.filter((rival) => isAllowed(cluster, rival.metadata.namespace ?? ""));
  if (!isAllowed(cluster, namespace)) {
    const named = `Cluster ${ref.namespace}/${ref.name}`;
    const message = `${named} takes no Topics of namespace ${namespace}; see its spec.allowedNamespaces.`;
    return barred("NamespaceNotAllowed", message);
  }
  const older = rivals.find((rival) => rival.metadata.uid !== topic.metadata.uid && isOlder(rival, topic));
  if (older !== undefined) {
    const other = `${older.metadata.namespace}/${older.metadata.name}`;
    return barred("ResourceConflict", `Topic ${other} is older and has the name ${name}. Delete one of them.`);
  }
  if (status === null) return barred("ControllerNotReady", "The cluster's controller does not decide now.");
  const foreign = row === null ? null : foreignOwner(observed, row);
  if (foreign !== null) return barred(foreign.reason, foreign.message, foreign.requests);
  if (row === null && awaitsRacks(cluster, status)) {
    return barred("RacksPending", "The racks of the cluster's brokers are being looked up; the topic is made then.");
  }
  const { config, problems } = validConfig(topic);
  const requests = row === null ? creation(observed, config) : upkeep(observed, { row, partitions, config });
  return { requests, bar: null, row, partitions, problems };
}

/** What bars a Topic from a topic that somebody else owns; null when it may have it. */
function foreignOwner(
  { topic, rivals }: TopicObserved,
  row: TopicRow,
): { reason: Bar; message: string; requests: TopicRequest[] } | null {
  const { owner } = row;
  if (owner === undefined || owner.uid === topic.metadata.uid) return null;
  if (rivals.some(({ metadata }) => metadata.uid === owner.uid)) return null;
  const isPredecessor = owner.namespace === topic.metadata.namespace && owner.name === topic.metadata.name;
  if (!isPredecessor) {
    const message = `The topic belongs to Topic ${owner.namespace}/${owner.name}, which is being looked for.`;
    return { reason: "OwnedByAnother", message, requests: [] };
  }
  if (owner.deletionPolicy === "Retain") return null;
  const request: AdminRequest = { kind: "deleteTopics", topics: [{ name: null, topicId: row.topicId }] };
  return {
    reason: "ReplacingPrevious",
    message: "The Topic of this name that was there before said deletionPolicy: Delete; its topic goes first.",
    requests: [{ kind: "ask", key: "delete", request }],
  };
}

function validConfig(topic: TopicResource): { config: Record<string, string>; problems: string[] } {
  const config: Record<string, string> = {};
  const problems: string[] = [];
  for (const [key, value] of Object.entries(topic.spec.config ?? {})) {
    const problem = validateTopicConfig({ [key]: value });
    if (problem === null) config[key] = value;
    else problems.push(problem);
  }
  return { config, problems };
}

function creation({ topic }: TopicObserved, config: Record<string, string>): TopicRequest[] {
  const { partitions = -1, replicationFactor = -1 } = topic.spec;
  const created = {
    name: topicNameOf(topic),
    partitionCount: partitions,
    replicationFactor,
    assignments: null,
    config,
    owner: ownerOfTopic(topic),
  };
  return [{ kind: "ask", key: "create", request: { kind: "createTopics", topics: [created], validateOnly: false } }];
}

function upkeep(
  { topic }: TopicObserved,
  present: { row: TopicRow; partitions: readonly PartitionRow[]; config: Record<string, string> },
): TopicRequest[] {
  const { row, partitions, config } = present;
  const { name, topicId } = row;
  const requests: TopicRequest[] = [];
  const owner = ownerOfTopic(topic);
  if (row.owner?.uid !== owner.uid || row.owner.deletionPolicy !== owner.deletionPolicy) {
    requests.push({ kind: "ask", key: "own", request: { kind: "ownTopics", topics: [{ topicId, owner }] } });
  }
  const totalCount = topic.spec.partitions ?? row.partitionCount;
  if (totalCount > row.partitionCount) {
    const topics = [{ name, totalCount, assignments: null }];
    requests.push({ kind: "ask", key: "grow", request: { kind: "createPartitions", topics, validateOnly: false } });
  }
  const changes = configChanges(topic, { wanted: config, present: row.config });
  if (changes.length > 0) {
    const resources = [{ kind: "topic" as const, name, changes }];
    requests.push({ kind: "ask", key: "configure", request: { kind: "alterConfigs", resources, validateOnly: false } });
  }
  const factor = topic.spec.replicationFactor;
  if (factor !== undefined && partitions.some((one) => targetFactor(one) !== factor)) {
    const request: MoveRequest = { kind: "setReplicationFactor", topic: name, replicationFactor: factor };
    requests.push({ kind: "move", key: "replicate", request });
  }
  return requests;
}

/** Keys that are given are enforced, those of `unmanagedConfig` left alone, all others are the cluster's default. */
function configChanges(
  { spec }: TopicResource,
  { wanted, present }: { wanted: Readonly<Record<string, string>>; present: Readonly<Record<string, string>> },
): ConfigChange[] {
  const given = new Set([...Object.keys(spec.config ?? {}), ...(spec.unmanagedConfig ?? [])]);
  return [
    ...Object.entries(wanted)
      .filter(([key, value]) => present[key] !== value)
      .map(([key, value]): ConfigChange => ({ key, operation: "set", value })),
    ...Object.keys(present)
      .filter((key) => !given.has(key))
      .map((key): ConfigChange => ({ key, operation: "delete", value: null })),
  ];
}
