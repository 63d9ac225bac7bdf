import { Registry } from "prom-client";
import type { FamilyReading } from "../base/metrics.ts";

export const PROMETHEUS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

/** What prom-client's registry asks of a metric: ours keep their own counts, and are read when somebody scrapes. */
interface Readable {
  readonly name: string;
  get(): Promise<unknown>;
}

/** All families in the Prometheus text format 0.0.4. */
export async function prometheusText(families: readonly FamilyReading[]): Promise<string> {
  const registry = new Registry();
  for (const { name, help, type, samples } of families) {
    const values = samples.map((sample) => ({
      metricName: sample.name,
      labels: sample.labels,
      value: sample.value,
    }));
    const metric: Readable = { name, get: async () => ({ name, help, type, values, aggregator: "sum" }) };
    registry.registerMetric(metric as unknown as Parameters<Registry["registerMetric"]>[0]);
  }
  return await registry.metrics();
}
