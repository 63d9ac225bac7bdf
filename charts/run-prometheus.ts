import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import path from "node:path";
import { stringify } from "yaml";
import { prometheusProgram } from "./debian-prometheus.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

export interface RunningPrometheus {
  readonly child: ChildProcess;
  /** Where its API will be, once it is ready. */
  readonly address: string;
}

/** Starts a Prometheus of this configuration. Everything of it lies in `folder`; files that it names, too. */
export async function runPrometheus(folder: string, configuration: object): Promise<RunningPrometheus> {
  const file = path.join(folder, "prometheus.yaml");
  writeFileSync(file, stringify(configuration));
  const host = `127.0.0.1:${await freePort()}`;
  const where = [`--config.file=${file}`, `--storage.tsdb.path=${path.join(folder, "series")}`];
  const args = [...where, `--web.listen-address=${host}`];
  return { child: spawn(prometheusProgram("prometheus"), args, { stdio: "ignore" }), address: `http://${host}` };
}
