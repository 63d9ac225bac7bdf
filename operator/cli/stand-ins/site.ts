import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { isAlive } from "../../adapters/process/child-process.ts";
import type { ClusterFile } from "../../adapters/process/cluster-file.ts";

const MAIN = path.resolve("operator/cli/main.ts");

/** What a run of the command has said, and how it ended. */
export interface Told {
  /** Null after a signal. */
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** One run of the command, with everything it printed. */
export class Run {
  readonly process: ChildProcess;
  out = "";
  err = "";
  readonly #whenExit: Promise<number | null>;
  #wake: (() => void)[] = [];

  constructor(args: readonly string[], options: { env?: Readonly<Record<string, string>>; input?: string } = {}) {
    const env = { ...process.env, ...options.env };
    this.process = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", MAIN, ...args], { env });
    if (options.input !== undefined) this.process.stdin?.end(options.input);
    this.process.stdout?.setEncoding("utf8").on("data", (out: string) => this.#take({ out }));
    this.process.stderr?.setEncoding("utf8").on("data", (err: string) => this.#take({ err }));
    this.#whenExit = new Promise((resolve) => this.process.once("close", (code) => resolve(code)));
    void this.#whenExit.then(() => this.#wakeAll());
  }

  #take({ out = "", err = "" }: { out?: string; err?: string }): void {
    this.out += out;
    this.err += err;
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Resolves when `text` was printed; fails when the command ended without it. */
  async says(text: string): Promise<void> {
    while (!`${this.out}\n${this.err}`.includes(text)) {
      if (this.process.exitCode !== null) throw new Error(`ended without "${text}": ${this.out}${this.err}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** Exit code, once everything it printed has come; null after a signal. */
  exit(): Promise<number | null> {
    return this.#whenExit;
  }

  /** All of it, once it has ended. */
  async told(): Promise<Told> {
    const code = await this.exit();
    return { code, out: this.out, err: this.err };
  }
}

/** Looks again until `condition` holds. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** A data folder and every run of the command on it; `dispose` ends all that was started there. */
export class Site {
  readonly folder = mkdtempSync(path.join(tmpdir(), "tidemark-up-"));
  readonly #env: Readonly<Record<string, string>>;
  readonly #runs: Run[] = [];
  readonly #pids = new Set<number>();

  constructor(env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
  }

  run(args: readonly string[], input?: string): Run {
    const run = new Run(args, { env: this.#env, ...(input === undefined ? {} : { input }) });
    this.#runs.push(run);
    return run;
  }

  up(...args: string[]): Run {
    return this.run(["up", "--data", this.folder, "--port", "0", ...args]);
  }

  clusterFile(): ClusterFile {
    const file = JSON.parse(readFileSync(path.join(this.folder, "cluster.json"), "utf8")) as ClusterFile;
    for (const { pid } of [file.controller, ...file.brokers]) if (pid !== null) this.#pids.add(pid);
    return file;
  }

  /** SIGTERM; resolves to the exit code. */
  stop(run: Run): Promise<number | null> {
    run.process.kill("SIGTERM");
    return run.exit();
  }

  async dispose(): Promise<void> {
    if (existsSync(path.join(this.folder, "cluster.json"))) this.clusterFile();
    for (const run of this.#runs) {
      run.process.kill("SIGKILL");
      await run.exit();
    }
    for (const pid of this.#pids) if (isAlive(pid)) process.kill(pid, "SIGKILL");
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
