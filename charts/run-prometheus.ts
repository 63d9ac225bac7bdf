import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { stringify } from "yaml";
import { freePorts } from "../operator/adapters/process/free-port.ts";
import { prometheusProgram } from "./debian-prometheus.ts";

export interface RunningPrometheus {
  readonly child: ChildProcess;
  /** Where its API will be, once it is ready. */
  readonly address: string;
}

/** Starts a Prometheus of this configuration. Everything of it lies in `folder`; files that it names, too. */
export async function runPrometheus(folder: string, configuration: object): Promise<RunningPrometheus> {
  const file = path.join(folder, "prometheus.yaml");
  writeFileSync(file, stringify(configuration));
  const [port] = await freePorts("127.0.0.1", 1);
  const host = `127.0.0.1:${port}`;
  const where = [`--config.file=${file}`, `--storage.tsdb.path=${path.join(folder, "series")}`];
  const args = [...where, `--web.listen-address=${host}`];
  return { child: spawn(prometheusProgram("prometheus"), args, { stdio: "ignore" }), address: `http://${host}` };
}
