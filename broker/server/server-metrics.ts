import type { Counter, Histogram, Metrics } from "../base/metrics.ts";
import { kafkaErrors } from "../wire/error-codes.ts";

const LATENCY_BOUNDS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];

const errorNames = new Map(Object.entries(kafkaErrors).map(([name, code]) => [code as number, name]));

interface ApiMetrics {
  readonly name: string;
  readonly latencySeconds: Histogram;
  /** By code; made when it first occurs. */
  readonly errors: Map<number, Counter>;
}

/** What the Kafka port counts. */
export class ServerMetrics {
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  readonly refusals: Counter;
  readonly #metrics: Metrics;
  readonly #apis = new Map<number, ApiMetrics>();

  constructor(metrics: Metrics, options: { apis: Iterable<{ key: number; name: string }>; connections: () => number }) {
    const bytes = "Bytes on the Kafka port.";
    this.#metrics = metrics;
    this.bytesIn = metrics.counter("tidemark_kafka_bytes_total", bytes, { direction: "in" });
    this.bytesOut = metrics.counter("tidemark_kafka_bytes_total", bytes, { direction: "out" });
    this.refusals = metrics.counter(
      "tidemark_kafka_refused_connections_total",
      "Connections closed for bad input or over a limit.",
    );
    metrics.gauge("tidemark_kafka_connections", "Client connections.", () => [
      { labels: {}, value: options.connections() },
    ]);
    // The family of errors is there before the first error is.
    metrics.countersOf("tidemark_kafka_request_errors_total", ERRORS_HELP, () => []);
    for (const { key, name } of options.apis) {
      const latencySeconds = metrics.histogram("tidemark_kafka_request_duration_seconds", {
        help: "Time from a request's last byte to its answer, a fetch's wait for records included.",
        bounds: LATENCY_BOUNDS_SECONDS,
        labels: { api: name },
      });
      this.#apis.set(key, { name, latencySeconds, errors: new Map() });
    }
  }

  answered(apiKey: number, { latencyMs, errorCode }: { latencyMs: number; errorCode: number }): void {
    const api = this.#apis.get(apiKey);
    if (api === undefined) return;
    api.latencySeconds.observe(latencyMs / 1000);
    if (errorCode !== 0) this.#errorsOf(api, errorCode).add(1);
  }

  #errorsOf(api: ApiMetrics, code: number): Counter {
    let counter = api.errors.get(code);
    if (counter === undefined) {
      const error = errorNames.get(code) ?? "UNKNOWN";
      counter = this.#metrics.counter("tidemark_kafka_request_errors_total", ERRORS_HELP, { api: api.name, error });
      api.errors.set(code, counter);
    }
    return counter;
  }
}

const ERRORS_HELP = "Answers that say an error, by the first one in them.";
