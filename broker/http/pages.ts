import type { IncomingMessage, ServerResponse } from "node:http";
import express from "express";
import { Metrics } from "../base/metrics.ts";
import { PROMETHEUS_CONTENT_TYPE, prometheusPieces, sendPieces } from "../base/prometheus-text.ts";

/** What the pages show of a broker. */
export interface ShownBroker {
  /** Registered at least once since its start: clients are served. */
  readonly isServing: boolean;
  /** Every partition it hosts has had it back in its ISR since the start. */
  readonly isCaughtUp: boolean;
  /** A session with a controller stands now. */
  readonly isRegistered: boolean;
  readonly metrics: Metrics;
}

export type Pages = (request: IncomingMessage, response: ServerResponse) => void;

/**
 * Pages for those who watch: `/healthz` (the event loop answers), `/readyz` (this broker serves clients and has caught
 * up once since its start; it stays so without a controller, because it goes on with what it leads) and `/metrics`
 * (Prometheus text format). None of them needs a token, none shows a record. `broker` is null until there is one.
 */
export function pagesOf(broker: () => ShownBroker | null): Pages {
  const own = new Metrics();
  addPageMetrics(own, broker);
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.get("/healthz", (_, response) => void response.json({ status: "ok" }));
  app.get("/readyz", (_, response) => {
    const isServing = broker()?.isServing === true;
    const isReady = isServing && broker()?.isCaughtUp === true;
    const waits = isServing ? "catching up with its partitions' leaders" : "not registered with a controller yet";
    const status = isReady ? "serving" : waits;
    response.status(isReady ? 200 : 503).json({ status, hasController: broker()?.isRegistered === true });
  });
  app.get("/metrics", async (_, response) => {
    response.setHeader("content-type", PROMETHEUS_CONTENT_TYPE);
    await sendPieces(response, prometheusPieces([...(broker()?.metrics.read() ?? []), ...own.read()]));
  });
  app.use(({ method, path }, response) => {
    response.status(404).json({ error: `there is no ${method} ${path}; see /healthz, /readyz, /metrics` });
  });
  return (request, response) => void app(request, response);
}

/** What can be told while there is no broker yet. */
export function addPageMetrics(metrics: Metrics, broker: () => ShownBroker | null): void {
  metrics.gauge("tidemark_has_controller", "1 while a session with a controller stands.", () => [
    { labels: {}, value: broker()?.isRegistered === true ? 1 : 0 },
  ]);
}
