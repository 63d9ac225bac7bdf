import type { Counter, Histogram, Metrics } from "../base/metrics.ts";

const LATENCY_BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 5000];

/** What the Kafka port counts. */
export class ServerMetrics {
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  readonly refusals: Counter;
  readonly #latencyMs = new Map<number, Histogram>();

  constructor(metrics: Metrics, options: { apis: Iterable<{ key: number; name: string }>; connections: () => number }) {
    const bytes = "Bytes on the Kafka port.";
    this.bytesIn = metrics.counter("tidemark_kafka_bytes_total", bytes, { direction: "in" });
    this.bytesOut = metrics.counter("tidemark_kafka_bytes_total", bytes, { direction: "out" });
    this.refusals = metrics.counter(
      "tidemark_kafka_refused_connections_total",
      "Connections closed for bad input or over a limit.",
    );
    metrics.gauge("tidemark_kafka_connections", "Client connections.", () => [
      { labels: {}, value: options.connections() },
    ]);
    for (const { key, name } of options.apis) {
      const help = "Time from a request's last byte to its answer, in milliseconds.";
      const labels = { api: name };
      this.#latencyMs.set(
        key,
        metrics.histogram("tidemark_kafka_request_ms", { help, bounds: LATENCY_BOUNDS_MS, labels }),
      );
    }
  }

  answered(apiKey: number, latencyMs: number): void {
    this.#latencyMs.get(apiKey)?.observe(latencyMs);
  }
}
