// Watches the controller from a process of its own: what it sees is stamped when it happens, however busy the demo is.
// Started with the controller's URL, a topic and the file of the cluster's token; sends every change of the topic's
// state to its parent.
import { readFileSync } from "node:fs";
import { Agent, get } from "node:http";
import type { ClusterState, PartitionState } from "./cluster.ts";

interface Status {
  readonly brokers: readonly { readonly id: number; readonly isFenced: boolean }[];
  readonly topics: readonly { readonly topicId: string; readonly name: string }[];
  readonly partitions: readonly (PartitionState & { readonly topicId: string })[];
}

/** What was seen, and when: milliseconds since 1970, with fractions. */
export interface Sighting {
  readonly atMs: number;
  readonly state: ClusterState;
}

const LOOK_MS = 4;
const [url = "", topic = "", tokenFile = ""] = process.argv.slice(2);
const token = readFileSync(tokenFile, "utf8").trim();
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
let last = "";

function stateOf(status: Status): ClusterState {
  const topicId = status.topics.find(({ name }) => name === topic)?.topicId;
  const partitions = status.partitions
    .filter((row) => row.topicId === topicId)
    .map(({ partition, leader, isr, replicas }) => ({ partition, leader, isr, replicas }))
    .sort((a, b) => a.partition - b.partition);
  return { brokersUp: status.brokers.filter(({ isFenced }) => !isFenced).map(({ id }) => id), partitions };
}

function note(text: string): void {
  const state = stateOf(JSON.parse(text) as Status);
  const now = JSON.stringify(state);
  if (now === last) return;
  last = now;
  const sighting: Sighting = { atMs: performance.timeOrigin + performance.now(), state };
  process.send?.(sighting);
}

function look(): void {
  let text = "";
  const call = get(
    `${url}/v1/status`,
    { agent, headers: { authorization: `Bearer ${token}` }, timeout: 1000 },
    (response) => {
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (text += chunk));
      response.on("end", () => {
        if (response.statusCode === 200) note(text);
      });
    },
  );
  call.on("timeout", () => call.destroy());
  call.on("error", () => {});
  call.on("close", () => setTimeout(look, LOOK_MS));
}

process.on("disconnect", () => process.exit(0));
process.on("SIGINT", () => {});
look();
