import type { Metrics } from "../base/metrics.ts";

/** Memory and processor time of this process, under the names that Prometheus dashboards look for. */
export function addProcessMetrics(metrics: Metrics): void {
  const one = (value: number) => [{ labels: {}, value }];
  metrics.gauge("process_resident_memory_bytes", "Resident memory.", () => one(process.memoryUsage.rss()));
  metrics.gauge("process_heap_bytes", "Heap in use.", () => one(process.memoryUsage().heapUsed));
  metrics.counterOf("process_cpu_seconds_total", "User and system time used so far.", () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
