import type { IncomingMessage, ServerResponse } from "node:http";
import express from "express";

/** What the pages show of a broker. */
export interface ShownBroker {
  readonly isServing: boolean;
  readonly metrics: { text(): string };
}

/**
 * Pages for those who watch: `/healthz` (the event loop answers), `/readyz` (this broker serves clients), `/metrics`
 * (Prometheus text format). None of them needs a token, none shows a record.
 */
export function pagesOf(
  broker: () => ShownBroker | null,
): (request: IncomingMessage, response: ServerResponse) => void {
  const app = express();
  app.disable("x-powered-by");
  app.get("/healthz", (_, response) => void response.type("text/plain").send("ok\n"));
  app.get("/readyz", (_, response) => {
    const isReady = broker()?.isServing === true;
    response
      .status(isReady ? 200 : 503)
      .type("text/plain")
      .send(isReady ? "ok\n" : "not registered yet\n");
  });
  app.get("/metrics", (_, response) => {
    response.type("text/plain; version=0.0.4").send(broker()?.metrics.text() ?? "");
  });
  app.use((_, response) => void response.status(404).type("text/plain").send("nothing here\n"));
  return app;
}
