import { flushCompileCache } from "node:module";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { nodeClock } from "#adapters/node-clock.ts";
import { TidemarkError } from "#base/errors.ts";
import { LocalCluster } from "../local.ts";
import { readText } from "../adapters/process/local-files.ts";
import type { AllConfigRules, Resources } from "../resources/read.ts";
import { FAILED, lineFor } from "./exit.ts";

export interface UpOptions {
  readonly file: readonly string[];
  readonly data: string;
  readonly brokers?: number;
  readonly port?: number;
  readonly httpPort?: number;
  readonly restart: boolean;
  readonly recover?: boolean;
}

const here = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url));

/** The programs of the processes; another folder of them may be named by tests. */
function programs(): { controller: string; broker: string } {
  const other = process.env["TIDEMARK_PROGRAMS"];
  if (other !== undefined)
    return { controller: path.join(other, "controller.ts"), broker: path.join(other, "broker.ts") };
  return { controller: here("../controller-main.ts"), broker: here("../../broker/main.ts") };
}

async function configRules(): Promise<AllConfigRules> {
  const [keys, values] = await Promise.all([import("#contract/config-keys.ts"), import("#contract/config-values.ts")]);
  return {
    Cluster: { names: [...keys.brokerConfigKeys.keys()], validate: values.validateStaticConfig },
    Topic: { names: [...keys.topicConfigKeys.keys()], validate: values.validateTopicConfig },
  };
}

async function readFiles(names: readonly string[]): Promise<Resources | null> {
  if (names.length === 0) return null;
  const files = names.map((name) => {
    const text = readText(name);
    if (text === null) throw new TidemarkError("BAD_INPUT", `${name}: no such file`);
    return { name, text };
  });
  const [{ readResources }, rules] = await Promise.all([import("../resources/read.ts"), configRules()]);
  const resources = readResources(files, rules);
  if (resources.cluster === null) throw new TidemarkError("BAD_INPUT", `${names.join(", ")}: has no Cluster; add one`);
  return resources;
}

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** `tidemark up`: runs until it is told to stop. The process ends here. */
export async function up(options: UpOptions): Promise<never> {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {});
  const cluster = new LocalCluster(
    { clock: nodeClock, say },
    {
      folder: path.resolve(options.data),
      resources: await readFiles(options.file),
      brokers: options.brokers ?? null,
      port: options.port ?? null,
      httpPort: options.httpPort ?? null,
      restarts: options.restart,
      recovers: options.recover === true,
      programs: programs(),
    },
  );
  stopOnSignals(cluster);
  try {
    const { bootstrap, api, applied } = await cluster.start();
    const readyMs = Math.round(Date.now() - performance.timeOrigin);
    for (const { topic, did } of applied) say(`topic ${topic}: ${did}`);
    flushCompileCache();
    const http = api.length === 0 ? "" : `  http ${api.join(",")}`;
    process.stdout.write(`ready in ${readyMs} ms  bootstrap ${bootstrap}${http}\n`);
  } catch (error) {
    say(`tidemark: ${lineFor(error)}`);
    await cluster.stop();
    process.exit(FAILED);
  }
  return new Promise(() => {});
}

function stopOnSignals(cluster: LocalCluster): void {
  let isStopping = false;
  const onSignal = (): void => {
    if (isStopping) {
      say("killing what is left");
      cluster.kill();
      process.exit(FAILED);
    }
    isStopping = true;
    say("stopping: brokers first, then the controller (again to kill them)");
    void cluster.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        say(`tidemark: ${lineFor(error)}`);
        process.exit(FAILED);
      },
    );
  };
  process.on("SIGUSR2", () => cluster.startDead());
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, onSignal);
}
