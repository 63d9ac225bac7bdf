import type { Counter, Histogram, Metrics } from "#base/metrics.ts";

const RECONCILE_BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export type ReconcileResult = "success" | "error" | "requeue_after";

/** What the operator's process is asked for when somebody scrapes it. */
export interface MeasuredOperator {
  /** It holds the Lease. */
  isLeader(): boolean;
  /** Per kind that is watched: how long ago the API server last said anything of it. */
  watchStalenessMs(): Iterable<readonly [kind: string, stalenessMs: number]>;
  /** Per reconciler: objects that wait for their turn. */
  queueDepths(): Iterable<readonly [controller: string, depth: number]>;
}

/** Reconciles, queues and the Lease, under the names that dashboards of operators look for. */
export class OperatorMetrics {
  readonly #metrics: Metrics;
  readonly #results = new Map<string, Counter>();
  readonly #times = new Map<string, Histogram>();

  constructor(metrics: Metrics, operator: MeasuredOperator) {
    this.#metrics = metrics;
    metrics.countersOf("controller_runtime_reconcile_total", RESULTS_HELP, () => []);
    metrics.gauge("workqueue_depth", "Objects that wait to be reconciled.", function* () {
      for (const [name, value] of operator.queueDepths()) yield { labels: { name }, value };
    });
    metrics.gauge("leader_election_master_status", "1 for the operator that is active.", () => [
      { labels: { name: "tidemark-operator" }, value: operator.isLeader() ? 1 : 0 },
    ]);
    metrics.gauge("tidemark_watch_staleness_seconds", "Time since the API server last said anything.", function* () {
      for (const [kind, ms] of operator.watchStalenessMs()) yield { labels: { kind }, value: ms / 1000 };
    });
  }

  /** One reconcile has ended. */
  reconciled(controller: string, { result, tookMs }: { result: ReconcileResult; tookMs: number }): void {
    this.#counter(controller, result).add(1);
    this.#histogram(controller).observe(tookMs / 1000);
  }

  #counter(controller: string, result: ReconcileResult): Counter {
    const key = `${controller} ${result}`;
    let counter = this.#results.get(key);
    if (counter === undefined) {
      counter = this.#metrics.counter("controller_runtime_reconcile_total", RESULTS_HELP, { controller, result });
      this.#results.set(key, counter);
    }
    return counter;
  }

  #histogram(controller: string): Histogram {
    let histogram = this.#times.get(controller);
    if (histogram === undefined) {
      histogram = this.#metrics.histogram("controller_runtime_reconcile_time_seconds", {
        help: "How long one reconcile took.",
        bounds: RECONCILE_BOUNDS_SECONDS,
        labels: { controller },
      });
      this.#times.set(controller, histogram);
    }
    return histogram;
  }
}

const RESULTS_HELP = "Reconciles, by what came of them.";
