import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { root } from "./jars.ts";
import { nowMs } from "./machine.ts";
import {
  end,
  isAlive,
  type Running,
  type RunningBroker,
  remember,
  start,
  type StartOptions,
  type System,
  until,
  untilUsable,
} from "./system.ts";

/** What `tidemark up` keeps true in cluster.json. */
interface ClusterFile {
  readonly controller: { readonly pid: number };
  readonly brokers: readonly {
    readonly id: number;
    readonly pid: number;
    readonly kafka: string;
    readonly api?: string;
  }[];
}

function readCluster(folder: string): ClusterFile | undefined {
  const file = path.join(folder, "cluster.json");
  if (!existsSync(file)) return undefined;
  return JSON.parse(readFileSync(file, "utf8")) as ClusterFile;
}

function brokersOf(cluster: ClusterFile): RunningBroker[] {
  return cluster.brokers.map((broker) => {
    const [host, port] = broker.kafka.split(":");
    return { id: broker.id, pid: broker.pid, host: host as string, port: Number(port), httpUrl: broker.api };
  });
}

/** What `up` is told: nothing but places, unless there is more to say. A Cluster's file carries the configuration. */
function flagsFor(folder: string, { restartsBrokers, servesHttp, config }: StartOptions): string[] {
  const flags = ["up", "--data", path.join(folder, "data"), "--port", "0", "--brokers", "3"];
  if (restartsBrokers === false) flags.push("--no-restart");
  if (servesHttp === true) flags.push("--http-port", "0");
  if (config === undefined) return flags;
  const file = path.join(folder, "cluster.yaml");
  const spec = { replicas: 3, config };
  const cluster = { apiVersion: "tidemark.dev/v1alpha1", kind: "Cluster", metadata: { name: "bench" }, spec };
  // JSON is YAML.
  writeFileSync(file, JSON.stringify(cluster));
  return [...flags, "--file", file];
}

/** Tidemark as a user starts it: the command, three brokers, its own defaults. */
export const tidemarkSystem: System = {
  name: "Tidemark",
  async start(folder, startOptions = {}): Promise<Running> {
    if (startOptions.keepsData !== true) rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const data = path.join(folder, "data");
    const logFile = path.join(folder, "log");
    const command = path.join(root, "node_modules", ".bin", "tidemark");
    const flags = flagsFor(folder, startOptions);
    const startAtMs = nowMs();
    const supervisor = start(command, flags, { folder, logFile });
    let cluster: ClusterFile;
    try {
      cluster = await until("cluster.json", { limitMs: 60_000, pids: [supervisor] }, async () => {
        const found = readCluster(data);
        // The file of an earlier start names processes that have ended.
        return found?.brokers.length === 3 && found.brokers.every(({ pid }) => isAlive(pid)) ? found : undefined;
      });
      await untilUsable(brokersOf(cluster)[0] as RunningBroker, [supervisor]);
    } catch (error) {
      await end([supervisor], 0);
      throw new Error(`Tidemark did not start: ${readFileSync(logFile, "utf8")}`, { cause: error });
    }
    const startMs = nowMs() - startAtMs;
    const brokers = brokersOf(readCluster(data) as ClusterFile);
    const pids = [...brokers.map((broker) => broker.pid), cluster.controller.pid];
    for (const pid of pids) remember(pid);
    return {
      brokers,
      pids,
      startMs,
      controllerPid: async () => (readCluster(data) as ClusterFile).controller.pid,
      stop: async (options = {}) => {
        const now = readCluster(data);
        await end([supervisor], 10_000);
        await end([...pids, ...(now === undefined ? [] : [now.controller.pid, ...now.brokers.map((b) => b.pid)])], 0);
        if (options.keepsData !== true) rmSync(folder, { recursive: true, force: true });
      },
    };
  },
};
