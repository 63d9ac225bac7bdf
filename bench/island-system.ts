import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Islands } from "./islands.ts";
import { root } from "./jars.ts";
import { nowMs } from "./machine.ts";
import { end, type Running, type RunningBroker, start, untilUsable } from "./system.ts";

const BROKERS = [0, 1, 2];
const KAFKA_PORT = 9092;
const HTTP_PORT = 8081;
const CONTROLLER_PORT = 8090;
const CONFIG = { "default.replication.factor": "3", "min.insync.replicas": "2" };

/** A running cluster of which each broker can be cut off from everything else. */
export interface IslandCluster extends Running {
  readonly islands: Islands;
  /** `GET /v1/status` is answered here, to whoever has the token. */
  readonly controllerAt: { readonly url: string; readonly token: string };
}

/** Three brokers, each on an island; the controller on this machine. @throws Error where islands are impossible */
export async function startOnIslands(folder: string): Promise<IslandCluster> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const islands = Islands.open(BROKERS.length);
  const pids: number[] = [];
  try {
    const startAtMs = nowMs();
    const token = randomBytes(32).toString("base64url");
    const tokenFile = path.join(folder, "token");
    writeFileSync(tokenFile, token, { mode: 0o600 });
    const controller = { host: islands.hostAddress, port: CONTROLLER_PORT };
    const optionsFile = (name: string, options: Record<string, unknown>): string => {
      const file = path.join(folder, `${name}.json`);
      const dataFolder = path.join(folder, name);
      writeFileSync(file, JSON.stringify({ dataFolder, clusterId: "", config: CONFIG, tokenFile, ...options }));
      return file;
    };
    const place = (name: string) => ({ folder: root, logFile: path.join(folder, `${name}.log`) });
    const program = path.join(root, "operator", "controller-main.ts");
    const file = optionsFile("controller", { http: controller });
    const controllerPid = start(process.execPath, [program, file], place("controller"));
    pids.push(controllerPid);
    const brokers: RunningBroker[] = BROKERS.map((id) => {
      const host = islands.address(id);
      const options = { brokerId: id, controller, kafka: { host, port: KAFKA_PORT }, http: { host, port: HTTP_PORT } };
      const args = [path.join(root, "broker", "main.ts"), optionsFile(`broker-${id}`, options)];
      const pid = start(...islands.command(id, process.execPath, args), place(`broker-${id}`));
      pids.push(pid);
      return { id, pid, host, port: KAFKA_PORT };
    });
    await untilUsable(brokers[0] as RunningBroker, pids);
    return {
      islands,
      controllerAt: { url: `http://${controller.host}:${controller.port}`, token },
      brokers,
      pids,
      startMs: nowMs() - startAtMs,
      controllerPid: async () => controllerPid,
      stop: async () => {
        for (const { id } of brokers) islands.heal(id);
        await end(pids, 10_000);
        islands.close();
        rmSync(folder, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await end(pids, 0);
    islands.close();
    const logs = BROKERS.map((id) => logOf(path.join(folder, `broker-${id}.log`))).join("");
    throw new Error(`no cluster on islands: ${logs}`, { cause: error });
  }
}

function logOf(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
