import { TidemarkError } from "#base/errors.ts";
import {
  type BrokerStatus,
  controllerStatus,
  type ControllerStatus,
  type PartitionStatus,
} from "../adapters/process/controller-client.ts";
import type { ClusterFile } from "../adapters/process/cluster-file.ts";
import { endWithReader } from "./exit.ts";
import { controllerOf, runningCluster } from "./running.ts";
import { idCell, table } from "./table.ts";
import { topicState } from "./topic-state.ts";

export interface StatusOptions {
  readonly data: string;
  readonly json?: boolean;
}

/** `tidemark status`: what runs, who leads, and whom an offline partition waits for. */
export async function status(options: StatusOptions): Promise<void> {
  endWithReader();
  const running = runningCluster(options.data);
  const answer = await controllerStatus(controllerOf(options.data));
  if (answer === null) {
    const says = `the controller at ${running.controller.url} does not answer; brokers serve on without it`;
    throw new TidemarkError("PEER_UNREACHABLE", `${says}; is \`tidemark up\` running?`);
  }
  const text = options.json === true ? `${JSON.stringify(answer, null, 2)}\n` : report(running, answer);
  process.stdout.write(text);
}

function stateOf({ isFenced, isShuttingDown, isDraining }: BrokerStatus): string {
  if (isFenced) return "away";
  if (isShuttingDown) return "leaving";
  return isDraining ? "draining" : "up";
}

function brokerRows(running: ClusterFile, answer: ControllerStatus): string[][] {
  return running.brokers.map((entry) => {
    const broker = answer.brokers.find((one) => one.id === entry.id);
    const leads = answer.partitions.filter((partition) => partition.leader === entry.id).length;
    const has = answer.partitions.filter((partition) => partition.replicas.includes(entry.id as never)).length;
    const state = broker === undefined ? "not registered" : stateOf(broker);
    return [String(entry.id), state, String(entry.pid ?? "-"), entry.kafka, entry.http, String(leads), String(has)];
  });
}

function report(running: ClusterFile, answer: ControllerStatus): string {
  const lines = [
    `cluster ${answer.clusterId}  bootstrap ${running.bootstrap}  controller ${running.controller.url}`,
    ...(answer.condition === "active"
      ? []
      : [`the controller is ${answer.condition}: ${answer.reason ?? "no reason given"}`]),
    "",
    ...table([["BROKER", "STATE", "PID", "KAFKA", "HTTP", "LEADS", "REPLICAS"], ...brokerRows(running, answer)]),
  ];
  if (answer.topics.length > 0)
    lines.push("", ...table([["TOPIC", "PARTITIONS", "REPLICAS", "STATE"], ...topicRows(answer)]));
  const moving = movingRows(answer);
  if (moving.length > 0) {
    lines.push("", ...table([["MOVING", "REPLICAS", "ADDING", "REMOVING", "STILL TO COPY"], ...moving]));
  }
  const troubled = troubledRows(answer);
  if (troubled.length > 0) {
    lines.push("", ...table([["PARTITION", "LEADER", "ISR", "ELR", "REPLICAS", "WAITS FOR"], ...troubled]));
  }
  return `${lines.join("\n")}\n`;
}

/** Of what it has, or is on its way to. */
const replicaCount = (partition: PartitionStatus | undefined): number =>
  partition === undefined ? 0 : partition.replicas.length - partition.removing.length;

function topicRows(answer: ControllerStatus): string[][] {
  return [...answer.topics]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map((topic) => {
      const partitions = answer.partitions.filter((partition) => partition.topicId === topic.topicId);
      return [topic.name, String(topic.partitionCount), String(replicaCount(partitions[0])), topicState(partitions)];
    });
}

/** Partitions on their way to another assignment, at most a screenful. */
function movingRows(answer: ControllerStatus): string[][] {
  return answer.reassignments.slice(0, 50).map(({ topic, partition, replicas, adding, removing, missingBytes }) => {
    const left = missingBytes === null ? "not known yet" : `${(missingBytes / 1e6).toFixed(1)} MB`;
    return [`${topic}-${partition}`, idCell(replicas), idCell(adding), idCell(removing), left];
  });
}

/** Partitions that are not whole, at most a screenful. */
function troubledRows(answer: ControllerStatus): string[][] {
  const names = new Map(answer.topics.map((topic) => [topic.topicId, topic.name]));
  return answer.partitions
    .filter((partition) => partition.leader < 0 || partition.isr.length < partition.replicas.length)
    .slice(0, 50)
    .map((row) => [
      `${names.get(row.topicId) ?? row.topicId}-${row.partition}`,
      row.leader < 0 ? "none" : String(row.leader),
      idCell(row.isr),
      idCell(row.elr),
      idCell(row.replicas),
      idCell(row.waitingFor ?? []),
    ]);
}
