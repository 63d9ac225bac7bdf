import { addProcessMetrics } from "../../broker/adapters/process-metrics.ts";
import { Metrics } from "../../broker/base/metrics.ts";
import { addFetchSessionMetrics } from "../../broker/handlers/fetch-sessions.ts";
import { handlers } from "../../broker/handlers/table.ts";
import { ApiMetrics } from "../../broker/http/api/api-metrics.ts";
import { addCleanerMetrics } from "../../broker/http/cleaner-metrics.ts";
import { addPageMetrics } from "../../broker/http/pages.ts";
import { addReplicaMetrics, type MeasuredReplica } from "../../broker/http/replica-metrics.ts";
import { CleanerFigures } from "../../broker/replication/log-cleaner.ts";
import { TopicTraffic } from "../../broker/replication/topic-traffic.ts";
import { ServerMetrics } from "../../broker/server/server-metrics.ts";
import type { MeasuredCluster } from "../../operator/controller/controller-metrics.ts";
import { OperatorMetrics } from "../../operator/operator-metrics.ts";

/** One family of metrics as a process of ours shows it. */
export interface Known {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  readonly from: "broker" | "operator";
}

/** A broker with one partition and one of everything that is counted, so that every label shows. */
function brokerMetrics(): Metrics {
  const metrics = new Metrics();
  const apis = handlers.map(({ api }) => api);
  const server = new ServerMetrics(metrics, { apis, connections: () => 1 });
  server.answered(0, { latencyMs: 1, errorCode: 6 });
  const replica = {
    topic: "orders",
    partition: 0,
    role: "leader",
    rowOrNull: { isr: [0], replicas: [0], minIsr: 1, leader: 0 },
    highWatermark: 1,
    log: { logEnd: 1, logStart: 0, sizeBytes: 100 },
    leadership: { slowestEnd: 1 },
  } as unknown as MeasuredReplica;
  addFetchSessionMetrics(metrics, { size: 1, partitionCount: 1, evictions: 0 });
  addReplicaMetrics(metrics, { replicas: () => [replica], traffics: () => [["orders", new TopicTraffic()]] });
  new ApiMetrics(metrics, { readers: () => 1 }).answered("GET", "/topics", 200);
  addCleanerMetrics(metrics, new CleanerFigures());
  addProcessMetrics(metrics, ".");
  addPageMetrics(metrics, () => null);
  return metrics;
}

/** An operator with one cluster, and one of everything that is counted. */
function operatorMetrics(): OperatorMetrics {
  const status = {
    condition: "active",
    version: { controllerEpoch: 1, sequence: 0 },
    uncleanElections: 0,
    brokers: [],
    topics: [],
    partitions: [],
    deletions: [],
  };
  const cluster = { namespace: "shop", name: "log", status } as unknown as MeasuredCluster;
  return new OperatorMetrics(
    {
      isLeader: () => true,
      clusters: () => [cluster],
      watchStalenessMs: () => [["Cluster", 1]],
      queueDepths: () => [["cluster", 1]],
    },
    ["cluster"],
  );
}

const labelsIn = (samples: Iterable<{ readonly labels: object }>): string[] =>
  [...new Set(Array.from(samples, ({ labels }) => Object.keys(labels)).flat())].filter((label) => label !== "le");

/** Every family that brokers and operator show, by the code that makes them. */
export function knownMetrics(): Known[] {
  const sources = [
    ["broker", brokerMetrics()],
    ["operator", operatorMetrics()],
  ] as const;
  const read = sources.flatMap(([from, metrics]) =>
    metrics.read().map(({ name, type, help, samples }) => ({ name, type, help, labels: labelsIn(samples), from })),
  );
  return read.sort((a, b) => (a.from + a.name < b.from + b.name ? -1 : 1));
}

/** Names of the series of a family, as queries name them. */
export const seriesOf = ({ name, type }: Known): string[] =>
  type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];

/** The tables of docs/metrics.md. */
export function metricsTables(known: readonly Known[]): string {
  const table = (from: Known["from"]): string => {
    const rows = known
      .filter((one) => one.from === from)
      .map(({ name, type, labels, help }) => {
        const shown = labels.map((label) => `\`${label}\``).join(", ");
        return `| \`${name}\` | ${type} | ${shown} | ${help} |`;
      });
    return ["| metric | type | labels | what it is |", "|---|---|---|---|", ...rows].join("\n");
  };
  return `## Broker\n\n${table("broker")}\n\n## Operator\n\n${table("operator")}\n`;
}
