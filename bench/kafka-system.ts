import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freePorts } from "../operator/adapters/process/free-port.ts";
import { javaArguments, run } from "./jars.ts";
import { nowMs } from "./machine.ts";
import { end, type Running, type RunningBroker, start, type StartOptions, type System, untilUsable } from "./system.ts";

interface Node {
  readonly id: number;
  readonly clientPort: number;
  readonly controllerPort: number;
}

/** Settings of one node: what three nodes on one machine need, everything else as Kafka ships it. */
function propertiesOf(
  node: Node,
  nodes: readonly Node[],
  { folder, config }: { folder: string; config: StartOptions["config"] },
): string {
  const voters = nodes.map((other) => `${other.id}@127.0.0.1:${other.controllerPort}`).join(",");
  const settings = {
    "process.roles": "broker,controller",
    "node.id": node.id,
    "controller.quorum.voters": voters,
    "controller.listener.names": "CONTROLLER",
    listeners: `PLAINTEXT://127.0.0.1:${node.clientPort},CONTROLLER://127.0.0.1:${node.controllerPort}`,
    "advertised.listeners": `PLAINTEXT://127.0.0.1:${node.clientPort}`,
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    "log.dirs": path.join(folder, "data"),
    "default.replication.factor": 3,
    "min.insync.replicas": 2,
    "offsets.topic.replication.factor": 3,
    "transaction.state.log.replication.factor": 3,
    "transaction.state.log.min.isr": 2,
    ...config,
  };
  return `${Object.entries(settings)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n")}\n`;
}

async function format(jars: string, file: string): Promise<void> {
  const clusterId = "VGlkZW1hcmtCZW5jaE5vMQ";
  const tool = [...javaArguments(jars, "256m"), "kafka.tools.StorageTool", "format", "-t", clusterId, "-c", file];
  const result = await run("java", tool);
  if (result.status !== 0) throw new Error(`Kafka's storage cannot be formatted: ${result.output}`);
}

/** What kafka-server-start.sh gives a broker: 1 GiB of heap and these settings of the collector. */
const brokerArguments = (jars: string): string[] => [
  ...javaArguments(jars, "1g"),
  "-Xms1g",
  "-server",
  "-XX:+UseG1GC",
  "-XX:MaxGCPauseMillis=20",
  "-XX:InitiatingHeapOccupancyPercent=35",
  "-XX:+ExplicitGCInvokesConcurrent",
];

async function activeController(jars: string, brokers: readonly RunningBroker[]): Promise<number> {
  const address = brokers.map((broker) => `${broker.host}:${broker.port}`).join(",");
  const tool = "org.apache.kafka.tools.MetadataQuorumCommand";
  const args = [...javaArguments(jars, "128m"), tool, "--bootstrap-server", address, "describe", "--status"];
  const result = await run("java", args);
  const match = /LeaderId:\s+(\d+)/.exec(result.output);
  const broker = brokers.find((candidate) => candidate.id === Number(match?.[1]));
  if (broker === undefined) throw new Error(`Kafka's active controller is not known: ${result.output}`);
  return broker.pid;
}

/** Apache Kafka in KRaft mode: three nodes, each broker and controller, with its own defaults. */
export const kafkaSystem = (jars: string): System => ({
  name: "Apache Kafka",
  async start(folder, { config } = {}): Promise<Running> {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const ports = await freePorts("127.0.0.1", 6);
    const nodes = [1, 2, 3].map((id) => ({
      id,
      clientPort: ports[id - 1] as number,
      controllerPort: ports[id + 2] as number,
    }));
    for (const node of nodes) {
      mkdirSync(path.join(folder, `${node.id}`));
      const file = path.join(folder, `${node.id}`, "server.properties");
      writeFileSync(file, propertiesOf(node, nodes, { folder: path.dirname(file), config }));
      await format(jars, file);
    }
    const startAtMs = nowMs();
    const brokers = nodes.map((node) => {
      const home = path.join(folder, `${node.id}`);
      const args = [...brokerArguments(jars), "kafka.Kafka", path.join(home, "server.properties")];
      const pid = start("java", args, { folder: home, logFile: path.join(home, "log") });
      return { id: node.id, host: "127.0.0.1", port: node.clientPort, pid };
    });
    const pids = brokers.map((broker) => broker.pid);
    try {
      await untilUsable(brokers[0] as RunningBroker, pids);
    } catch (error) {
      await end(pids, 0);
      throw new Error(`Kafka did not start: ${readFileSync(path.join(folder, "1", "log"), "utf8")}`, { cause: error });
    }
    return {
      brokers,
      pids,
      startMs: nowMs() - startAtMs,
      controllerPid: () => activeController(jars, brokers),
      stop: async (options = {}) => {
        await end(pids, 10_000);
        if (options.keepsData !== true) rmSync(folder, { recursive: true, force: true });
      },
    };
  },
});
