import path from "node:path";
import { TidemarkError } from "#base/errors.ts";
import { CLUSTER_FILE, type ClusterFile, readClusterFile, TOKEN_FILE } from "../adapters/process/cluster-file.ts";
import type { ControllerAt } from "../adapters/process/controller-client.ts";
import { readText } from "../adapters/process/local-files.ts";

const BOOTSTRAP_DEFAULT = "127.0.0.1:9092";

/** What runs on a data folder. */
export function runningCluster(data: string): ClusterFile {
  const running = readClusterFile(path.resolve(data, CLUSTER_FILE));
  if (running !== null) return running;
  throw new TidemarkError(
    "PEER_UNREACHABLE",
    `no cluster runs on ${data}; start it with \`tidemark up --data ${data}\``,
  );
}

/** Where the controller of a data folder is, with what it demands to be shown. */
export function controllerOf(data: string): ControllerAt {
  const { url } = runningCluster(data).controller;
  return { url, token: (readText(path.resolve(data, TOKEN_FILE)) ?? "").trim() };
}

/** Of `host:port`, as `bootstrapOf` leaves it. */
export function addressOf(broker: string): { host: string; port: number } {
  const at = broker.lastIndexOf(":");
  return { host: broker.slice(0, at).replace(/^\[(.*)\]$/, "$1"), port: Number(broker.slice(at + 1)) };
}

/** The brokers to ask first: those given, else those that run on the data folder, else Kafka's usual port. */
export function bootstrapOf(options: { bootstrap?: string; data: string }): string[] {
  const running = options.bootstrap === undefined ? readClusterFile(path.resolve(options.data, CLUSTER_FILE)) : null;
  const list = options.bootstrap ?? running?.bootstrap ?? BOOTSTRAP_DEFAULT;
  const brokers = list
    .split(",")
    .map((one) => one.trim())
    .filter((one) => one !== "");
  for (const broker of brokers) {
    if (!/^(\[[0-9a-fA-F:]+\]|[^:\s]+):[0-9]{1,5}$/.test(broker)) {
      throw new TidemarkError("BAD_INPUT", `--bootstrap: ${JSON.stringify(broker)} is not host:port`);
    }
  }
  if (brokers.length === 0) throw new TidemarkError("BAD_INPUT", "--bootstrap names no broker; give host:port");
  return brokers;
}
