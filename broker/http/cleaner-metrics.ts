import type { Metrics } from "../base/metrics.ts";
import type { CleanerFigures } from "../replication/log-cleaner.ts";

/** What the cleaner did since the start, and what waits for it. */
export function addCleanerMetrics(metrics: Metrics, figures: Readonly<CleanerFigures>): void {
  const counter = (name: string, help: string, measure: () => number): void =>
    metrics.countersOf(name, help, () => [{ labels: {}, value: measure() }]);
  const gauge = (name: string, help: string, measure: () => number): void =>
    metrics.gauge(name, help, () => [{ labels: {}, value: measure() }]);
  counter("tidemark_cleaner_runs_total", "Partitions compacted, each pass counted.", () => figures.runs);
  counter("tidemark_cleaner_failures_total", "Passes that failed.", () => figures.failures);
  counter("tidemark_cleaner_read_bytes_total", "Bytes of log that compaction has read.", () => figures.bytesRead);
  counter("tidemark_cleaner_removed_bytes_total", "Bytes by which compaction made logs smaller.", () =>
    Math.max(0, figures.bytesRemoved),
  );
  gauge(
    "tidemark_cleaner_max_dirty_ratio",
    "Never compacted part, 0 to 1, of the partition that needs it most, when last looked.",
    () => figures.dirtyRatioMax,
  );
  gauge(
    "tidemark_cleaner_uncleanable_partitions",
    "Partitions whose last pass failed, and which are left alone for a while.",
    () => figures.uncleanable,
  );
}
