import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Registry } from "prom-client";
import { Metrics } from "../broker/base/metrics.ts";
import { pagesOf } from "../broker/http/pages.ts";
import { addReplicaMetrics, type MeasuredReplica } from "../broker/http/replica-metrics.ts";
import { TopicTraffic } from "../broker/replication/topic-traffic.ts";

/*
 * What a scrape of a broker costs: `node bench/scrape.ts [PARTITIONS] [TOPICS]`, all of them led by one broker.
 * Printed: the time until the last byte, the size, and for how long at most the event loop served nobody else
 * meanwhile; then the same samples put into words by prom-client's registry.
 */

const ROUNDS = 20;
const partitions = Number(process.argv[2] ?? "10000");
const topics = Number(process.argv[3] ?? "100");
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;

const row = { isr: [0, 1, 2], replicas: [0, 1, 2], minIsr: 2, leader: 0 };
const replicas = Array.from({ length: partitions }, (_, index) => ({
  topic: `topic-${index % topics}`,
  partition: Math.floor(index / topics),
  role: "leader",
  rowOrNull: row,
  highWatermark: index * 1000,
  log: { logEnd: index * 1000 + 7, logStart: 0, sizeBytes: index * 10_000 },
  leadership: { slowestEnd: index * 1000 },
})) as unknown as readonly MeasuredReplica[];
const traffics = Array.from({ length: topics }, (_, index) => [`topic-${index}`, new TopicTraffic()] as const);

const metrics = new Metrics();
addReplicaMetrics(metrics, { replicas: () => replicas, traffics: () => traffics });

/** Longest time between two turns of the event loop while `work` runs. */
async function held(work: () => Promise<unknown>): Promise<number> {
  let [last, longest, isOver] = [performance.now(), 0, false];
  const look = (): void => {
    const now = performance.now();
    longest = Math.max(longest, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  look();
  await work();
  look();
  isOver = true;
  return longest;
}

async function measure(name: string, scrape: () => Promise<number>): Promise<void> {
  const [times, holds]: [number[], number[]] = [[], []];
  let bytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    holds.push(await held(async () => (bytes = await scrape())));
    times.push(performance.now() - start);
  }
  const [time, hold] = [median(times).toFixed(0), median(holds).toFixed(0)];
  print(`${name}: ${time} ms, ${(bytes / 1e6).toFixed(1)} MB, event loop held for at most ${hold} ms (medians)`);
}

const server = createServer(pagesOf(() => ({ isServing: true, isRegistered: true, isCaughtUp: true, metrics })));
await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
const { port } = server.address() as AddressInfo;

print(`${partitions} partitions of ${topics} topics`);
await measure("GET /metrics", async () => {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  return (await response.text()).length;
});
await measure("prom-client's registry", async () => {
  const registry = new Registry();
  for (const { name, help, type, samples } of metrics.read()) {
    const values = Array.from(samples, (sample) => ({ metricName: sample.name, ...sample }));
    const metric = { name, get: async () => ({ name, help, type, values, aggregator: "sum" }) };
    registry.registerMetric(metric as unknown as Parameters<Registry["registerMetric"]>[0]);
  }
  return (await registry.metrics()).length;
});
server.closeAllConnections();
server.close();
