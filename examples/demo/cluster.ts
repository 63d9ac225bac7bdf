import { type ChildProcess, fork, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Sighting } from "./watcher.ts";

export interface PartitionState {
  readonly partition: number;
  /** −1: none. */
  readonly leader: number;
  readonly isr: readonly number[];
  readonly replicas: readonly number[];
}

/** The topic's partitions and the brokers that have a session, as the controller sees them. */
export interface ClusterState {
  readonly brokersUp: readonly number[];
  readonly partitions: readonly PartitionState[];
}

interface ClusterFile {
  readonly bootstrap: string;
  readonly controller: { readonly pid: number | null; readonly url: string };
  readonly brokers: readonly { readonly id: number; readonly pid: number | null; readonly kafka: string }[];
}

const ROOT = path.resolve(import.meta.dirname, "../..");
const START_MS_MAX = 30_000;
const STOP_MS_MAX = 20_000;

/** A cluster of `tidemark up` in a folder of its own; dead brokers stay dead until `revive`. */
export class DemoCluster {
  readonly #folder = mkdtempSync(path.join(tmpdir(), "tidemark-demo-"));
  readonly #process: ChildProcess;
  #watcher: ChildProcess | null = null;
  #printed = "";
  readonly #whenGone: Promise<void>;

  constructor(resources: string) {
    const args = ["up", "-f", resources, "--data", this.#folder, "--port", "0", "--no-restart"];
    const main = path.join(ROOT, "operator/cli/main.ts");
    this.#process = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args], {
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#whenGone = new Promise((resolve) => this.#process.once("close", () => resolve()));
  }

  /** Resolves to the line `ready in … ms  bootstrap …`. */
  async ready(): Promise<string> {
    const line = new Promise<string>((resolve, reject) => {
      const look = (chunk: Buffer): void => {
        this.#printed += chunk.toString();
        const found = /^ready in .*$/m.exec(this.#printed);
        if (found !== null) resolve(found[0]);
      };
      this.#process.stdout?.on("data", look);
      this.#process.stderr?.on("data", look);
      void this.#whenGone.then(() => reject(new Error(`\`tidemark up\` ended: ${this.#lastWords()}`)));
      setTimeout(
        () => reject(new Error(`no cluster after ${START_MS_MAX / 1000} s: ${this.#lastWords()}`)),
        START_MS_MAX,
      ).unref();
    });
    return line;
  }

  #lastWords(): string {
    return this.#printed.trim().split("\n").at(-1) ?? "it said nothing";
  }

  #file(): ClusterFile {
    return JSON.parse(readFileSync(path.join(this.#folder, "cluster.json"), "utf8")) as ClusterFile;
  }

  get bootstrap(): string {
    return this.#file().bootstrap;
  }

  get brokers(): number[] {
    return this.#file().brokers.map(({ id }) => id);
  }

  kafkaPortOf(broker: number): number {
    const address = this.#file().brokers.find(({ id }) => id === broker)?.kafka ?? "";
    return Number(address.slice(address.lastIndexOf(":") + 1));
  }

  pidOf(broker: number): number {
    const pid = this.#file().brokers.find(({ id }) => id === broker)?.pid ?? null;
    if (pid === null) throw new Error(`broker ${broker} is not running`);
    return pid;
  }

  /** Kill −9, in this very turn. */
  kill(pid: number): void {
    process.kill(pid, "SIGKILL");
  }

  /** Has every dead broker started again. */
  revive(): void {
    this.#process.kill("SIGUSR2");
  }

  /** Has `onState` called with every change of the topic's state; resolves to the first. */
  watch(topic: string, onState: (sighting: Sighting) => void): Promise<ClusterState> {
    const program = path.join(import.meta.dirname, "watcher.ts");
    const watcher = fork(program, [this.#file().controller.url, topic, path.join(this.#folder, "token")], {
      execArgv: ["--disable-warning=ExperimentalWarning"],
    });
    this.#watcher = watcher;
    return new Promise((resolve, reject) => {
      watcher.on("message", (message) => {
        const sighting = message as Sighting;
        onState(sighting);
        resolve(sighting.state);
      });
      watcher.once("exit", () => reject(new Error("the watch over the controller ended")));
    });
  }

  /** Stops everything that was started here and removes its folder. */
  async stop(): Promise<void> {
    this.#watcher?.disconnect();
    this.#watcher = null;
    this.#process.kill("SIGTERM");
    const timer = setTimeout(() => this.#killAll(), STOP_MS_MAX);
    await this.#whenGone;
    clearTimeout(timer);
    this.#killAll();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #killAll(): void {
    if (existsSync(path.join(this.#folder, "cluster.json"))) {
      const { controller, brokers } = this.#file();
      for (const { pid } of [...brokers, controller]) if (pid !== null) tryKill(pid);
    }
    if (this.#process.pid !== undefined && this.#process.exitCode === null) tryKill(this.#process.pid);
  }
}

function tryKill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone already.
  }
}
