import { addProcessMetrics } from "#adapters/process-metrics.ts";
import { type Counter, type FamilyReading, type Histogram, Metrics } from "#base/metrics.ts";
import { addControllerMetrics, type MeasuredCluster } from "./controller/controller-metrics.ts";
import type { ReconcileMeter } from "./reconcilers/ports.ts";

export const LEASE_NAME = "tidemark-operator";
const TIME_BOUNDS_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
const RESULTS = ["success", "error", "requeue_after"] as const;

type Result = (typeof RESULTS)[number];

/** What the operator's process is asked for when somebody scrapes it. */
export interface MeasuredOperator {
  /** It holds the Lease. */
  isLeader(): boolean;
  clusters(): readonly MeasuredCluster[];
  /** Per kind that is watched: how long ago the API server last said anything of it. */
  watchStalenessMs(): Iterable<readonly [kind: string, stalenessMs: number]>;
  /** Per queue: keys that wait to be looked at. */
  queueDepths(): Iterable<readonly [controller: string, depth: number]>;
}

interface Reconciles {
  readonly byResult: Readonly<Record<Result, Counter>>;
  readonly errors: Counter;
  readonly time: Histogram;
}

/**
 * Everything that the operator's process shows. What reconcilers, queues and the Lease do goes by the names of
 * controller-runtime, for which dashboards and alerts of operators look.
 */
export class OperatorMetrics implements ReconcileMeter {
  readonly #metrics = new Metrics();
  readonly #operator: MeasuredOperator;
  readonly #reconciles = new Map<string, Reconciles>();
  #clusters: readonly MeasuredCluster[] = [];

  /** `controllers` are counted from zero on: a first failure is a rise, too. */
  constructor(operator: MeasuredOperator, controllers: readonly string[]) {
    this.#operator = operator;
    addControllerMetrics(this.#metrics, () => this.#clusters);
    addProcessMetrics(this.#metrics);
    for (const controller of controllers) this.#reconciles.set(controller, this.#reconcilesOf(controller));
    this.#metrics.gauge("workqueue_depth", "Objects that wait to be looked at.", function* () {
      for (const [name, value] of operator.queueDepths()) yield { labels: { name, controller: name }, value };
    });
    this.#metrics.gauge("leader_election_master_status", "1 while this process holds the Lease of that name.", () => [
      { labels: { name: LEASE_NAME }, value: operator.isLeader() ? 1 : 0 },
    ]);
    this.#metrics.gauge(
      "tidemark_watch_staleness_seconds",
      "Time since the API server last said anything of a kind.",
      function* () {
        for (const [kind, stalenessMs] of operator.watchStalenessMs()) {
          yield { labels: { kind }, value: stalenessMs / 1000 };
        }
      },
    );
  }

  reconciled(controller: string, { result, tookMs }: { result: Result; tookMs: number }): void {
    let reconciles = this.#reconciles.get(controller);
    if (reconciles === undefined) {
      reconciles = this.#reconcilesOf(controller);
      this.#reconciles.set(controller, reconciles);
    }
    reconciles.byResult[result].add(1);
    if (result === "error") reconciles.errors.add(1);
    reconciles.time.observe(tookMs / 1000);
  }

  /** Every family as it stands now. The clusters are looked at once for all of them: each look counts partitions. */
  read(): FamilyReading[] {
    this.#clusters = this.#operator.clusters();
    return this.#metrics.read();
  }

  #reconcilesOf(controller: string): Reconciles {
    const counterOf = (result: Result): Counter =>
      this.#metrics.counter(
        "controller_runtime_reconcile_total",
        "Reconciles by their result: success, error, requeue_after.",
        {
          controller,
          result,
        },
      );
    return {
      byResult: { success: counterOf("success"), error: counterOf("error"), requeue_after: counterOf("requeue_after") },
      errors: this.#metrics.counter("controller_runtime_reconcile_errors_total", "Reconciles that failed.", {
        controller,
      }),
      time: this.#metrics.histogram("controller_runtime_reconcile_time_seconds", {
        help: "Duration of a reconcile.",
        bounds: TIME_BOUNDS_SECONDS,
        labels: { controller },
      }),
    };
  }
}
