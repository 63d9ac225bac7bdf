import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { runPrometheus } from "../../../charts/run-prometheus.ts";
import { until } from "./cluster/shell.ts";

/** What of an alert of Prometheus' API is looked at. */
interface FoundAlert {
  readonly state: string;
  readonly labels: { readonly alertname: string };
}

export interface PrometheusOptions {
  /** Where to scrape now. */
  readonly targets: () => Promise<readonly TargetGroup[]>;
  /** The chart's rules, as they are to be loaded. */
  readonly rules: string;
}

/** As Prometheus reads them from a file; `job` names the job. */
export interface TargetGroup {
  readonly targets: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
}

const LOOK_MS = 1000;

/** Writes the targets down, now and every second. While they cannot be had the last ones stand. */
async function keepTargets(file: string, targets: PrometheusOptions["targets"]): Promise<{ stop(): void }> {
  const write = async (): Promise<void> => {
    const groups = await targets();
    // Prometheus must never read half of it.
    writeFileSync(`${file}.new`, JSON.stringify(groups));
    renameSync(`${file}.new`, file);
  };
  await write();
  let isWriting = false;
  const timer = setInterval(() => {
    if (isWriting) return;
    isWriting = true;
    write()
      .catch((error: unknown) => process.stderr.write(`prometheus: no targets: ${String(error)}\n`))
      .finally(() => void (isWriting = false));
  }, LOOK_MS);
  return { stop: () => clearInterval(timer) };
}

/**
 * A Prometheus outside the cluster. Debian's is built without the discovery of pods: they are looked up for it, again
 * and again, for who is made anew has another address.
 */
export class Prometheus {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #look: { stop(): void };

  private constructor(parts: { address: string; child: ChildProcess; folder: string; look: { stop(): void } }) {
    this.address = parts.address;
    this.#child = parts.child;
    this.#folder = parts.folder;
    this.#look = parts.look;
  }

  static async start({ targets, rules }: PrometheusOptions): Promise<Prometheus> {
    const folder = mkdtempSync(path.join(tmpdir(), "tidemark-watched-"));
    const configuration = {
      global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
      rule_files: ["rules.yaml"],
      scrape_configs: [{ job_name: "pods", file_sd_configs: [{ files: ["targets.json"], refresh_interval: "1s" }] }],
    };
    writeFileSync(path.join(folder, "rules.yaml"), rules);
    const look = await keepTargets(path.join(folder, "targets.json"), targets);
    const { child, address } = await runPrometheus(folder, configuration);
    child.once("error", (error) => process.stderr.write(`prometheus: ${error.message}\n`));
    const prometheus = new Prometheus({ address, child, folder, look });
    const isReady = async (): Promise<boolean> => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return (await fetch(`${prometheus.address}/-/ready`)).ok;
    };
    try {
      await until("Prometheus is ready", isReady, { limitMs: 30_000 });
    } catch (error) {
      await prometheus.stop();
      throw error;
    }
    return prometheus;
  }

  /** Names of the alerts that fire now. */
  async firing(): Promise<ReadonlySet<string>> {
    const { alerts } = await this.#asked<{ alerts: readonly FoundAlert[] }>("/api/v1/alerts");
    return new Set(alerts.filter(({ state }) => state === "firing").map(({ labels }) => labels.alertname));
  }

  /** Names of all metrics that were ever scraped. */
  async metrics(): Promise<ReadonlySet<string>> {
    return new Set(await this.#asked<readonly string[]>("/api/v1/label/__name__/values"));
  }

  async #asked<T>(where: string): Promise<T> {
    const response = await fetch(`${this.address}${where}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== "success") throw new Error(`Prometheus says: ${answer.error ?? response.status}`);
    return answer.data;
  }

  async stop(): Promise<void> {
    this.#look.stop();
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      this.#child.kill("SIGTERM");
      await once(this.#child, "exit");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
