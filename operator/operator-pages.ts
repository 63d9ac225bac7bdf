import type { IncomingMessage, ServerResponse } from "node:http";
import type { FamilyReading } from "#base/metrics.ts";
import { PROMETHEUS_CONTENT_TYPE, prometheusPieces, sendPieces } from "#base/prometheus-text.ts";
import type { ControllerHost } from "./controller-host.ts";
import type { Election } from "./ports/election.ts";

export interface PagesOptions {
  readonly host: Pick<ControllerHost, "pageAt">;
  readonly election: Pick<Election, "holder">;
  readonly metrics: { read(): Iterable<FamilyReading> };
  /** True once the API server has been reached: whether this process holds the Lease does not matter. */
  readonly isReady: () => boolean;
}

/** `/healthz` (the event loop answers), `/readyz`, `/metrics`, and the status of each cluster. */
export class OperatorPages {
  readonly #options: PagesOptions;

  constructor(options: PagesOptions) {
    this.#options = options;
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
    response.writeHead(200, { "content-type": PROMETHEUS_CONTENT_TYPE });
    // A failure to put metrics into words is a bug, and ends the process like any other.
    void sendPieces(response, prometheusPieces(this.#options.metrics.read()));
  }
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}
