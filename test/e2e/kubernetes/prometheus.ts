import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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
  readonly kubeconfigFile: string;
  /** The chart's rules, as they are to be loaded. */
  readonly rules: string;
}

/** The relabelling that the chart's PodMonitors end as. */
const relabelling = (component: "broker" | "operator"): object[] => {
  const keep = (source: string, regex: string): object => ({ source_labels: [source], action: "keep", regex });
  const copy = (source: string, target: string): object => ({ source_labels: [source], target_label: target });
  const label = "__meta_kubernetes_pod_label_";
  return [
    keep(`${label}app_kubernetes_io_name`, "tidemark"),
    keep(`${label}app_kubernetes_io_component`, component),
    keep("__meta_kubernetes_pod_container_port_name", "http"),
    // A pod that has ended is there until it is taken away.
    { source_labels: ["__meta_kubernetes_pod_phase"], action: "drop", regex: "Succeeded|Failed" },
    copy("__meta_kubernetes_namespace", "namespace"),
    copy("__meta_kubernetes_pod_name", "pod"),
    copy("__meta_kubernetes_pod_container_name", "container"),
    ...(component === "broker" ? [copy(`${label}tidemark_dev_cluster`, "tidemark_cluster")] : []),
  ];
};

/** A Prometheus outside the cluster that finds the pods through the API server, as it would inside. */
export class Prometheus {
  readonly address: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(address: string, child: ChildProcess, folder: string) {
    this.address = address;
    this.#child = child;
    this.#folder = folder;
  }

  static async start({ kubeconfigFile, rules }: PrometheusOptions): Promise<Prometheus> {
    const folder = mkdtempSync(path.join(tmpdir(), "tidemark-watched-"));
    const job = (component: "broker" | "operator"): object => ({
      job_name: component === "broker" ? "tidemark-brokers" : "tidemark-operator",
      kubernetes_sd_configs: [{ role: "pod", kubeconfig_file: kubeconfigFile }],
      relabel_configs: relabelling(component),
    });
    const configuration = {
      global: { scrape_interval: "1s", scrape_timeout: "1s", evaluation_interval: "1s" },
      rule_files: ["rules.yaml"],
      scrape_configs: [job("broker"), job("operator")],
    };
    writeFileSync(path.join(folder, "rules.yaml"), rules);
    const { child, address } = await runPrometheus(folder, configuration);
    child.once("error", (error) => process.stderr.write(`prometheus: ${error.message}\n`));
    const prometheus = new Prometheus(address, child, folder);
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
    if (this.#child.exitCode === null && this.#child.signalCode === null && this.#child.pid !== undefined) {
      this.#child.kill("SIGTERM");
      await once(this.#child, "exit");
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
