import type { IncomingMessage, ServerResponse } from "node:http";
import { Gauge, Registry } from "prom-client";
import type { ControllerHost } from "./controller-host.ts";
import type { Election } from "./ports/election.ts";

export interface PagesOptions {
  readonly host: ControllerHost;
  readonly election: Election;
  /** True once the API server has been reached: whether this process holds the Lease does not matter. */
  readonly isReady: () => boolean;
}

const LEASE_NAME = "tidemark-operator";

/** `/healthz` (the event loop answers), `/readyz`, `/metrics`, and the status of each cluster. */
export class OperatorPages {
  /** Reconcilers add theirs here. */
  readonly registry = new Registry();
  readonly #options: PagesOptions;

  constructor(options: PagesOptions) {
    this.#options = options;
    const { election, host } = options;
    const registers = [this.registry];
    new Gauge({
      name: "leader_election_master_status",
      help: "1 while this process holds the Lease of that name.",
      labelNames: ["name"],
      registers,
      collect() {
        this.set({ name: LEASE_NAME }, election.isCertain ? 1 : 0);
      },
    });
    new Gauge({
      name: "tidemark_controller_active",
      help: "1 while the controller of that Cluster decides.",
      labelNames: ["namespace", "cluster"],
      registers,
      collect() {
        this.reset();
        for (const hosted of host.clusters) {
          const { namespace, name: cluster } = hosted.cluster;
          this.set({ namespace, cluster }, hosted.condition === "active" ? 1 : 0);
        }
      },
    });
    new Gauge({
      name: "process_resident_memory_bytes",
      help: "Resident memory size in bytes.",
      registers,
      collect() {
        this.set(process.memoryUsage.rss());
      },
    });
  }

  answer(request: IncomingMessage, response: ServerResponse): void {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    if (request.method === "GET" && path === "/healthz") return json(response, 200, { status: "ok" });
    if (request.method === "GET" && path === "/readyz") return this.#ready(response);
    if (request.method === "GET" && path === "/metrics") return this.#metrics(response);
    if (request.method === "GET" && path.startsWith("/clusters/")) {
      const { status, body } = this.#options.host.pageAt(path);
      return json(response, status, body);
    }
    json(response, 404, { error: `there is no ${request.method} ${path}; see /healthz, /readyz, /metrics` });
  }

  #ready(response: ServerResponse): void {
    const isReady = this.#options.isReady();
    json(response, isReady ? 200 : 503, { isReady, holder: this.#options.election.holder });
  }

  #metrics(response: ServerResponse): void {
    this.registry.metrics().then(
      (text) => {
        response.writeHead(200, { "content-type": this.registry.contentType });
        response.end(text);
      },
      (error: unknown) => json(response, 500, { error: String(error) }),
    );
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
