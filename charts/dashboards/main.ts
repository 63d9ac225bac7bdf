/*
 * Every panel of the dashboards of brokers, asked of a real Prometheus that scrapes a real cluster of this machine:
 * `node charts/dashboards/main.ts`. A panel without a series fails it. Panels and alerts about the operator need
 * Kubernetes: the end-to-end tests there ask the same questions of theirs.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { readRules } from "../rules/rule-file.ts";
import { runPrometheus } from "../run-prometheus.ts";
import { dashboards } from "./all.ts";
import { type Evaluated, evaluateDashboards, evaluateRules } from "./evaluate.ts";

const LIMIT_MS = 60_000;
const LOOK_MS = 500;
const root = path.resolve(import.meta.dirname, "..", "..");
const folder = mkdtempSync(path.join(tmpdir(), "tidemark-panels-"));
const children: ChildProcess[] = [];
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const pause = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

/** What a local cluster has no series for: its controller is no operator, and nothing went wrong in it. */
const elsewhere = /^(?:tidemark_controller_|leader_election_|controller_runtime_|workqueue_|tidemark_watch_)/;

const tidemark = (...args: readonly string[]): ChildProcess => {
  const program = path.join(root, "operator", "cli", "main.ts");
  const child = spawn(process.execPath, [program, ...args], { stdio: ["pipe", "pipe", "ignore"] });
  children.push(child);
  return child;
};

async function startCluster(): Promise<string> {
  const data = path.join(folder, "data");
  const child = tidemark("up", "--data", data, "--brokers", "3", "--port", "0", "--http-port", "0");
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on("data", (text: Buffer) => void (/^ready/m.test(String(text)) && resolve()));
    child.once("exit", (code) => reject(new Error(`the cluster ended with ${code}`)));
  });
  return data;
}

/** Writes records, reads them, and asks for what is not there, so that there is an error to count. */
async function use(data: string): Promise<void> {
  const producer = tidemark("produce", "panels", "--data", data);
  producer.stdin?.end(Array.from({ length: 500 }, (_, index) => `record ${index}\n`).join(""));
  await once(producer, "exit");
  const consumer = tidemark("consume", "panels", "--data", data, "--count", "500");
  consumer.stdout?.resume();
  await once(consumer, "exit");
  await once(tidemark("consume", "nothing-of-that-name", "--data", data), "exit");
  for (const { api } of clusterOf(data).brokers) {
    const headers = { "content-type": "application/vnd.kafka.json.v2+json" };
    const body = JSON.stringify({ records: [{ value: "over HTTP" }] });
    await (await fetch(`${api}/topics/panels`, { method: "POST", headers, body })).text();
    await (await fetch(`${api}/topics/panels/records?limit=10`)).text();
  }
}

interface Running {
  readonly brokers: readonly { readonly id: number; readonly http: string; readonly api: string }[];
}

const clusterOf = (data: string): Running =>
  JSON.parse(readFileSync(path.join(data, "cluster.json"), "utf8")) as Running;

/** Brokers scraped as the chart's PodMonitor has them: with namespace, pod and the Cluster's name. */
async function startPrometheus(data: string): Promise<string> {
  const { brokers } = clusterOf(data);
  const targets = brokers.map(({ id, http }) => ({
    targets: [http.replace(/^https?:\/\//, "")],
    labels: { namespace: "here", tidemark_cluster: "local", pod: `local-broker-${id}` },
  }));
  const configuration = {
    global: { scrape_interval: "1s" },
    scrape_configs: [{ job_name: "tidemark-brokers", static_configs: targets }],
  };
  const { child, address } = await runPrometheus(folder, configuration);
  children.push(child);
  return address;
}

async function asked(prometheus: string): Promise<readonly Evaluated[]> {
  const chosen = { namespace: "here", cluster: "local", pod: ".*", topic: ".*" };
  const ofBrokers = [dashboards["cluster"], dashboards["topic"], dashboards["broker"]];
  const panels = await evaluateDashboards(
    prometheus,
    ofBrokers.flatMap((dashboard) => dashboard ?? []),
    chosen,
  );
  return [...panels, ...(await evaluateRules(prometheus, readRules()))];
}

const isEmpty = ({ series, query }: Evaluated): boolean =>
  series === null || (series === 0 && !elsewhere.test(query.replace(/^.*?\b(?=tidemark_controller_)/, "")));

async function main(): Promise<boolean> {
  const data = await startCluster();
  const prometheus = await startPrometheus(data);
  const startMs = Date.now();
  let all: readonly Evaluated[] = [];
  let empty: readonly Evaluated[] = [];
  do {
    await use(data);
    await pause(LOOK_MS);
    all = await asked(prometheus).catch(() => []);
    empty = all.filter(isEmpty);
  } while ((all.length === 0 || empty.length > 0) && Date.now() - startMs < LIMIT_MS);
  for (const { where, query, error } of empty) print(`✗ ${where}: ${error === "" ? "no series" : error}: ${query}`);
  const answered = all.filter(({ series }) => (series ?? 0) > 0).length;
  print(`panels: ${all.length} queries asked, ${answered} with series, ${empty.length} empty that must not be`);
  return all.length > 0 && empty.length === 0;
}

// Broken off, it leaves no process behind; the cluster ends its own.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.on("exit", () => children.forEach((child) => child.kill("SIGTERM")));
let isWell = false;
try {
  isWell = await main();
} finally {
  const running = children.filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(running.map((child) => (child.kill("SIGTERM"), once(child, "exit"))));
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isWell ? 0 : 1);
