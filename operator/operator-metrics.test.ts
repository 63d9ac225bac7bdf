import { expect, test } from "@jest/globals";
import { prometheusPieces } from "#base/prometheus-text.ts";
import type { MeasuredCluster } from "./controller/controller-metrics.ts";
import { type MeasuredOperator, OperatorMetrics } from "./operator-metrics.ts";

const STANDBY: MeasuredOperator = {
  isLeader: () => false,
  clusters: () => [],
  watchStalenessMs: () => [],
  queueDepths: () => [],
};

/** Samples as they are scraped, of names that begin so. */
const samplesOf = (metrics: OperatorMetrics, prefix: string): string[] =>
  [...prometheusPieces(metrics.read())]
    .join("")
    .split("\n")
    .filter((line) => line.startsWith(prefix));

test("reconciles are counted from zero on, by controller and result, and failures once more by themselves", () => {
  const metrics = new OperatorMetrics(STANDBY, ["cluster"]);
  const errors = 'controller_runtime_reconcile_errors_total{controller="cluster"}';
  expect(samplesOf(metrics, errors)).toEqual([`${errors} 0`]);
  metrics.reconciled("cluster", { result: "success", tookMs: 20 });
  metrics.reconciled("cluster", { result: "error", tookMs: 2000 });
  metrics.reconciled("cluster", { result: "error", tookMs: 90_000 });
  metrics.reconciled("another", { result: "requeue_after", tookMs: 1 });
  expect(samplesOf(metrics, errors)).toEqual([`${errors} 2`]);
  const total = (controller: string, result: string): string =>
    `controller_runtime_reconcile_total{controller="${controller}",result="${result}"}`;
  expect(samplesOf(metrics, "controller_runtime_reconcile_total")).toEqual([
    `${total("cluster", "success")} 1`,
    `${total("cluster", "error")} 2`,
    `${total("cluster", "requeue_after")} 0`,
    `${total("another", "success")} 0`,
    `${total("another", "error")} 0`,
    `${total("another", "requeue_after")} 1`,
  ]);
  const time = "controller_runtime_reconcile_time_seconds";
  expect(samplesOf(metrics, `${time}_sum{controller="cluster"}`)).toEqual([`${time}_sum{controller="cluster"} 92.02`]);
  expect(samplesOf(metrics, `${time}_bucket{controller="cluster",le="60"}`)[0]).toMatch(/ 2$/);
});

test("a standby shows the Lease as another's, and neither queues nor watches", () => {
  const metrics = new OperatorMetrics(STANDBY, ["cluster"]);
  expect(samplesOf(metrics, "leader_election_")).toEqual(['leader_election_master_status{name="tidemark-operator"} 0']);
  expect(samplesOf(metrics, "workqueue_depth")).toEqual([]);
  expect(samplesOf(metrics, "tidemark_watch_staleness_seconds")).toEqual([]);
});

test("the holder shows queues, watches and its clusters, which a scrape looks at once", () => {
  let looks = 0;
  const status = { condition: "active", version: { controllerEpoch: 7 }, brokers: [], topics: [], partitions: [] };
  const cluster = { namespace: "shop", name: "log", status: { ...status, deletions: [] } };
  const metrics = new OperatorMetrics(
    {
      isLeader: () => true,
      clusters: () => {
        looks += 1;
        return [cluster as unknown as MeasuredCluster];
      },
      watchStalenessMs: () => [["Topic", 1500]],
      queueDepths: () => [["topic", 4]],
    },
    [],
  );
  expect(samplesOf(metrics, "tidemark_controller_epoch")).toEqual([
    'tidemark_controller_epoch{tidemark_namespace="shop",tidemark_cluster="log"} 7',
  ]);
  expect(looks).toBe(1);
  expect(samplesOf(metrics, "workqueue_depth")).toEqual(['workqueue_depth{name="topic",controller="topic"} 4']);
  expect(samplesOf(metrics, "tidemark_watch_staleness_seconds")).toEqual([
    'tidemark_watch_staleness_seconds{kind="Topic"} 1.5',
  ]);
  expect(samplesOf(metrics, "leader_election_")[0]).toMatch(/ 1$/);
});
