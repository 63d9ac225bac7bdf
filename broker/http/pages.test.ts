import { afterEach, expect, test } from "@jest/globals";
import { createServer, type Server } from "node:http";
import { addProcessMetrics } from "../adapters/process-metrics.ts";
import { Metrics } from "../base/metrics.ts";
import { pagesOf, type ShownBroker } from "./pages.ts";
import { TopicTraffic } from "../replication/topic-traffic.ts";
import { addReplicaMetrics, type MeasuredReplica } from "./replica-metrics.ts";

let server: Server | null = null;

afterEach(() => new Promise<void>((resolve) => (server === null ? resolve() : server.close(() => resolve()))));

async function serve(facts: Partial<ShownBroker>): Promise<(path: string) => Promise<Response>> {
  const pages = pagesOf(() => ({
    metrics: new Metrics(),
    isServing: true,
    isCaughtUp: true,
    isRegistered: true,
    ...facts,
  }));
  const listening = createServer(pages);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  const address = listening.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return (path) => fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
}

test("a broker is alive at once, and ready from its first registration on", async () => {
  const facts = { isServing: false, isRegistered: false };
  const get = await serve(facts);
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/readyz")).status).toBe(503);
});

test("a broker stays ready while it has no controller, and says so", async () => {
  const get = await serve({ isServing: true, isRegistered: false });
  const ready = await get("/readyz");
  expect([ready.status, await ready.json()]).toEqual([200, { status: "serving", hasController: false }]);
});

test("a broker that has not caught up since its start is not ready yet, and says so", async () => {
  const get = await serve({ isCaughtUp: false });
  const ready = await get("/readyz");
  expect([ready.status, await ready.text()]).toEqual([503, expect.stringContaining("catching up")]);
});

test("what is not there is 404 in one line of JSON", async () => {
  const get = await serve({});
  const missing = await get("/nope");
  expect(missing.status).toBe(404);
  expect(await missing.json()).toEqual({ error: "there is no GET /nope; see /healthz, /readyz, /metrics" });
});

test("metrics tell of partitions, records and the process", async () => {
  const metrics = new Metrics();
  addProcessMetrics(metrics);
  const replica = (role: string, isr: number, hw: number): MeasuredReplica =>
    ({
      role,
      rowOrNull: { isr: Array.from({ length: isr }), replicas: [1, 2, 3], minIsr: 2 },
      highWatermark: hw,
      topic: "orders",
      partition: 0,
      log: { logEnd: 10, logStart: 0, sizeBytes: 100 },
      leadership: role === "leader" ? { slowestEnd: 7 } : null,
    }) as unknown as MeasuredReplica;
  const traffic = Object.assign(new TopicTraffic(), { bytesIn: 5, recordsIn: 4, bytesOut: 3, isrShrinks: 2 });
  addReplicaMetrics(metrics, {
    replicas: () => [
      replica("leader", 3, 10),
      replica("leader", 2, 9),
      replica("leader", 1, 4),
      replica("follower", 1, 0),
    ],
    traffics: () => [["orders", traffic]],
  });
  const get = await serve({ metrics });
  const response = await get("/metrics");
  expect(response.headers.get("content-type")).toContain("version=0.0.4");
  const lines = new Set((await response.text()).split("\n"));
  for (const line of [
    'tidemark_partitions{role="leader"} 3',
    'tidemark_partitions{role="follower"} 1',
    'tidemark_partitions{role="offline"} 0',
    "tidemark_partitions_under_replicated 2",
    "tidemark_partitions_under_min_isr 1",
    "tidemark_partitions_at_min_isr 1",
    "tidemark_partitions_offline 0",
    'tidemark_topic_bytes_in_total{topic="orders"} 5',
    'tidemark_topic_records_in_total{topic="orders"} 4',
    'tidemark_topic_bytes_out_total{topic="orders"} 3',
    'tidemark_topic_isr_changes_total{topic="orders",change="shrink"} 2',
    'tidemark_topic_log_bytes{topic="orders"} 400',
    'tidemark_partition_log_end_offset{topic="orders",partition="0"} 10',
    'tidemark_partition_high_watermark{topic="orders",partition="0"} 4',
    'tidemark_partition_lag_records{topic="orders",partition="0"} 3',
    "tidemark_partitions_without_series 0",
    "tidemark_uncommitted_records 7",
    "tidemark_log_bytes 400",
    "tidemark_has_controller 1",
  ]) {
    expect([line, lines.has(line)]).toEqual([line, true]);
  }
  expect([...lines].some((line) => /^process_resident_memory_bytes \d+$/.test(line))).toBe(true);
});
