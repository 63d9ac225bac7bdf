import { TidemarkError } from "#base/errors.ts";
import type { AdminRequest, AdminResponse, ConfigChange } from "#contract/control.ts";
import { type Topic, topicNameOf } from "../../resources/topic.ts";
import { controllerAdmin, type ControllerAt, controllerStatus, type ControllerStatus } from "./controller-client.ts";

/** What was done for one topic, in a few words for people. */
export interface Applied {
  readonly topic: string;
  readonly did: string;
}

/**
 * Makes the cluster's topics what the resources say: creates, adds partitions, sets configuration. Never removes.
 * @throws TidemarkError REFUSED naming the topic, PEER_UNREACHABLE.
 */
export async function applyTopics(controller: ControllerAt, topics: readonly Topic[]): Promise<Applied[]> {
  if (topics.length === 0) return [];
  const status = await controllerStatus(controller);
  if (status === null) throw new TidemarkError("PEER_UNREACHABLE", "the controller does not answer; look into its log");
  const applied: Applied[] = [];
  for (const topic of topics)
    applied.push({ topic: topicNameOf(topic), did: await applyTopic(controller, topic, status) });
  return applied;
}

async function applyTopic(controller: ControllerAt, topic: Topic, status: ControllerStatus): Promise<string> {
  const name = topicNameOf(topic);
  const row = status.topics.find((one) => one.name === name);
  if (row === undefined) return create(controller, topic);
  const factor = topic.spec.replicationFactor;
  const partition = status.partitions.find((one) => one.topicId === row.topicId);
  const has = partition === undefined ? null : partition.replicas.length - partition.removing.length;
  if (factor !== undefined && has !== null && has !== factor) {
    const says = `has replication factor ${has}; it cannot be changed to ${factor} on a running topic`;
    throw new TidemarkError("REFUSED", `topic ${name}: ${says}; set the old one or make a new topic`);
  }
  const did: string[] = [];
  const wanted = topic.spec.partitions ?? row.partitionCount;
  if (wanted !== row.partitionCount) {
    await grow(controller, { name, totalCount: wanted });
    did.push(`now ${wanted} partitions`);
  }
  const changes = configChanges(topic.spec.config ?? {}, row.config);
  if (changes.length > 0) {
    await setConfig(controller, { name, changes });
    did.push(`set ${changes.map(({ key }) => key).join(", ")}`);
  }
  return did.length === 0 ? "as it was" : did.join(", ");
}

function configChanges(
  wanted: Readonly<Record<string, string>>,
  present: Readonly<Record<string, string>>,
): ConfigChange[] {
  return Object.entries(wanted)
    .filter(([key, value]) => present[key] !== value)
    .map(([key, value]) => ({ key, operation: "set", value }));
}

async function create(controller: ControllerAt, topic: Topic): Promise<string> {
  const name = topicNameOf(topic);
  const { partitions = -1, replicationFactor = -1 } = topic.spec;
  const wanted = {
    name,
    partitionCount: partitions,
    replicationFactor,
    assignments: null,
    config: topic.spec.config ?? {},
  };
  const response = await ask(controller, { kind: "createTopics", topics: [wanted], validateOnly: false });
  const answer = response.kind === "createTopics" ? response.topics[0] : undefined;
  expectDone(name, answer);
  return `created, ${answer?.partitionCount} partitions × ${answer?.replicationFactor}`;
}

async function grow(controller: ControllerAt, options: { name: string; totalCount: number }): Promise<void> {
  const topics = [{ ...options, assignments: null }];
  const response = await ask(controller, { kind: "createPartitions", topics, validateOnly: false });
  expectDone(options.name, response.kind === "createPartitions" ? response.topics[0] : undefined);
}

async function setConfig(
  controller: ControllerAt,
  options: { name: string; changes: readonly ConfigChange[] },
): Promise<void> {
  const resources = [{ kind: "topic" as const, ...options }];
  const response = await ask(controller, { kind: "alterConfigs", resources, validateOnly: false });
  expectDone(options.name, response.kind === "alterConfigs" ? response.resources[0] : undefined);
}

async function ask(controller: ControllerAt, request: AdminRequest): Promise<AdminResponse> {
  const response = await controllerAdmin(controller, request);
  if (response === null)
    throw new TidemarkError("PEER_UNREACHABLE", "the controller does not answer; look into its log");
  if (response.kind === "failed")
    throw new TidemarkError("REFUSED", `the controller refused: ${response.errorMessage ?? response.errorCode}`);
  return response;
}

function expectDone(name: string, outcome: { errorCode: number; errorMessage: string | null } | undefined): void {
  if (outcome?.errorCode === 0) return;
  const why = outcome?.errorMessage ?? `error ${outcome?.errorCode ?? "unknown"}`;
  throw new TidemarkError("REFUSED", `topic ${name}: ${why}`);
}
