import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test } from "@jest/globals";
import { OperatorMetrics } from "../operator/operator-metrics.ts";
import { OperatorPages } from "../operator/operator-pages.ts";
import { CONTROLLERS } from "../operator/reconcilers/start.ts";
import { World } from "../operator/reconcilers/testing/world.ts";
import { dashboards, queriesOf } from "./dashboards/all.ts";
import { knownMetrics, seriesOf } from "./generate/registry.ts";
import { metricsIn, readRules } from "./rules/rule-file.ts";

const world: World = new World([], { reconciled: (controller, outcome) => metrics.reconciled(controller, outcome) });
const metrics = new OperatorMetrics(
  {
    isLeader: () => true,
    clusters: () => [{ namespace: "apps", name: "shop", status: world.control.status() }],
    watchStalenessMs: () => world.reconcilers.watchStalenessMs(),
    queueDepths: () => world.reconcilers.queueDepths(),
  },
  CONTROLLERS,
);
const pages = new OperatorPages({
  host: { pageAt: () => ({ status: 404, body: null }) },
  election: { holder: "10.0.0.1:8080" },
  metrics,
  isReady: () => true,
});
const server = createServer((request, response) => pages.answer(request, response));

afterAll(async () => {
  server.close();
  await world.reconcilers.stop();
});

test("a scrape of the operator has every metric of its own that an alert or a panel names", async () => {
  await world.start();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  expect([response.status, response.headers.get("content-type")]).toEqual([
    200,
    "text/plain; version=0.0.4; charset=utf-8",
  ]);
  const scraped = new Set((await response.text()).split("\n").map((line) => /^\w+/.exec(line)?.[0]));
  const queries = [
    ...readRules().map(({ expr }) => expr),
    ...Object.values(dashboards).flatMap((dashboard) => queriesOf(dashboard).map(({ query }) => query)),
  ];
  const named = new Set(queries.flatMap((query) => metricsIn(query)));
  // What Prometheus itself adds, and what brokers alone show.
  const ofOthers = new Set(["up", ...knownMetrics().flatMap((one) => (one.from === "broker" ? seriesOf(one) : []))]);
  const ofOperator = [...named].filter((name) => !ofOthers.has(name));
  expect(ofOperator.length).toBeGreaterThan(10);
  expect(ofOperator.filter((name) => !scraped.has(name))).toEqual([]);
});
