import type { Counter, Histogram, Metrics } from "../../base/metrics.ts";

const LATENCY_BOUNDS_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5];
const REQUESTS = "tidemark_http_requests_total";
const REQUESTS_HELP = "Requests to the HTTP API, by page and status of the answer.";

/** What the HTTP API counts. */
export class ApiMetrics {
  readonly recordsIn: Counter;
  readonly recordsOut: Counter;
  readonly bytesIn: Counter;
  readonly bytesOut: Counter;
  readonly readersClosed: Counter;
  readonly produceSeconds: Histogram;
  readonly #metrics: Metrics;
  /** By method, route and status. */
  readonly #requests = new Map<string, Counter>();

  constructor(metrics: Metrics, { readers }: { readers: () => number }) {
    this.#metrics = metrics;
    const records = "Records that the HTTP API appended and showed.";
    this.recordsIn = metrics.counter("tidemark_http_records_total", records, { direction: "in" });
    this.recordsOut = metrics.counter("tidemark_http_records_total", records, { direction: "out" });
    const bytes = "Bytes of records in requests to the HTTP API, and in the streams of its readers.";
    this.bytesIn = metrics.counter("tidemark_http_bytes_total", bytes, { direction: "in" });
    this.bytesOut = metrics.counter("tidemark_http_bytes_total", bytes, { direction: "out" });
    this.readersClosed = metrics.counter(
      "tidemark_http_stalled_readers_total",
      "Readers of the HTTP API that were closed because they took nothing for a minute.",
    );
    this.produceSeconds = metrics.histogram("tidemark_http_produce_duration_seconds", {
      help: "Time in which the records of a produce request were appended.",
      bounds: LATENCY_BOUNDS_SECONDS,
    });
    metrics.gauge("tidemark_http_readers", "Readers of the HTTP API that stay for what comes.", () => [
      { labels: {}, value: readers() },
    ]);
    // The family of requests is there before the first request is.
    metrics.countersOf(REQUESTS, REQUESTS_HELP, () => []);
  }

  /** `route` is a page of the API, never a client's own words. */
  answered(method: string, route: string, status: number): void {
    const key = `${method} ${route} ${status}`;
    let counter = this.#requests.get(key);
    if (counter === undefined) {
      counter = this.#metrics.counter(REQUESTS, REQUESTS_HELP, { method, route, status: String(status) });
      this.#requests.set(key, counter);
    }
    counter.add(1);
  }
}
