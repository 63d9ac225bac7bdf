import { statfsSync } from "node:fs";
import type { Metrics } from "../base/metrics.ts";

const LOOK_MS = 100;
const DELAY_BOUNDS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];

/**
 * Memory, processor time and event loop of this process, under the names that Prometheus dashboards look for; and of
 * the disk that its data is on, if it has any.
 */
export function addProcessMetrics(metrics: Metrics, dataFolder?: string): void {
  const one = (value: number) => [{ labels: {}, value }];
  const startedSeconds = performance.timeOrigin / 1000;
  metrics.gauge("process_resident_memory_bytes", "Resident memory.", () => one(process.memoryUsage.rss()));
  metrics.gauge("process_heap_bytes", "Heap in use.", () => one(process.memoryUsage().heapUsed));
  metrics.gauge("process_start_time_seconds", "When this process started, in seconds since 1970.", () =>
    one(startedSeconds),
  );
  metrics.counterOf("process_cpu_seconds_total", "User and system time used so far.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  addEventLoopDelay(metrics);
  if (dataFolder !== undefined) addDiskMetrics(metrics, dataFolder);
}

/** How late a timer fires is how long everything else that is ready waits, too. */
function addEventLoopDelay(metrics: Metrics): void {
  const delay = metrics.histogram("tidemark_event_loop_delay_seconds", {
    help: "How late a timer of the event loop fires, looked at ten times a second.",
    bounds: DELAY_BOUNDS_SECONDS,
  });
  let dueMs = performance.now() + LOOK_MS;
  const timer = setInterval(() => {
    const nowMs = performance.now();
    delay.observe(Math.max(0, nowMs - dueMs) / 1000);
    dueMs = nowMs + LOOK_MS;
  }, LOOK_MS);
  timer.unref();
}

/** Room on the disk that `folder` is on. A disk that does not answer has no samples. */
function addDiskMetrics(metrics: Metrics, folder: string): void {
  const read = (measure: (disk: ReturnType<typeof statfsSync>) => number) => () => {
    try {
      return [{ labels: {}, value: measure(statfsSync(folder)) }];
    } catch {
      return [];
    }
  };
  metrics.gauge(
    "tidemark_disk_bytes",
    "Size of the disk with this broker's data.",
    read((disk) => Number(disk.blocks) * Number(disk.bsize)),
  );
  metrics.gauge(
    "tidemark_disk_free_bytes",
    "Free for this process on the disk with its data.",
    read((disk) => Number(disk.bavail) * Number(disk.bsize)),
  );
}
