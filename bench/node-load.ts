import type { SteadyLoad, WindowTimes } from "./client.ts";
import type { Latencies, Load, Window } from "./load.ts";
import { cpuSeconds, nowMs, residentBytes, sleep } from "./machine.ts";
import { percentile } from "./statistics.ts";
import type { Running } from "./system.ts";
import { Connection } from "./connection.ts";
import { fetchRecords, metadata, nextOffset, produce, recordBatch } from "./requests.ts";

/** Bytes that a record adds to a batch beyond its value. */
const recordOverheadBytes = 8;

/** Kafka's codes that pass by themselves: the partition is new, is moving, or its replicas are not in sync yet. */
const passingCodes: ReadonlySet<number> = new Set([3, 5, 6, 7, 19, 20]);

interface Lane {
  readonly connection: Connection;
  readonly partition: number;
}

/** `producers` connections to the leader of every partition. */
async function openLanes(running: Running, topic: string, producers: number): Promise<Lane[]> {
  const first = new Connection(running.brokers[0] as { host: string; port: number });
  const { partitions } = await metadata(first, topic);
  first.close();
  return partitions.flatMap(({ partition, leader }) => {
    const broker = running.brokers.find((candidate) => candidate.id === leader);
    if (broker === undefined) throw new Error(`partition ${partition} of ${topic} has no leader`);
    return Array.from({ length: producers }, () => ({ connection: new Connection(broker), partition }));
  });
}

const closeAll = (lanes: readonly Lane[]): void => {
  for (const lane of lanes) lane.connection.close();
};

/** Sends batches as fast as five in flight for each lane allow; see measureLoad, which does it with Kafka's program. */
export async function nodeLoad(running: Running, load: Load, times: WindowTimes): Promise<Window> {
  const count = Math.max(1, Math.floor(load.batchBytes / (load.recordBytes + recordOverheadBytes)));
  const batch = recordBatch({ count, valueBytes: load.recordBytes, timestampMs: Date.now() });
  const lanes = await openLanes(running, load.topic, load.producers);
  let records = 0;
  let isStopped = false;
  const send = async (lane: Lane): Promise<void> => {
    while (!isStopped) {
      const code = await produce(lane.connection, { topic: load.topic, partition: lane.partition, batch });
      if (code === 0) records += count;
      else if (passingCodes.has(code)) await sleep(20);
      else throw new Error(`a produce was refused with code ${code}`);
    }
  };
  let failure: unknown;
  const senders = lanes.flatMap((lane) => Array.from({ length: 5 }, () => send(lane)));
  const ended = Promise.all(senders).catch((error: unknown) => {
    failure = error;
  });
  await sleep(times.warmUpMs);
  const cpu = times.countsStart === true ? 0 : cpuSeconds(running.pids);
  const began = { atMs: nowMs(), cpu, records };
  let resident = 0;
  while (nowMs() - began.atMs < times.windowMs) {
    await sleep(500);
    const sum = running.brokers.reduce((total, broker) => total + residentBytes(broker.pid), 0);
    resident = Math.max(resident, sum / running.brokers.length);
  }
  const window = {
    records: records - began.records,
    seconds: (nowMs() - began.atMs) / 1000,
    brokerCpuSeconds: cpuSeconds(running.pids) - began.cpu,
    residentBytes: resident,
  };
  isStopped = true;
  await ended;
  if (failure !== undefined) throw new Error("the load stopped", { cause: failure });
  closeAll(lanes);
  return window;
}

function percentiles(valuesMs: number[]): Latencies {
  const sorted = valuesMs.sort((a, b) => a - b);
  return { p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99), p999: percentile(sorted, 0.999) };
}

/** Sends what is due every 5 ms, as a client that lingers 5 ms does, one batch to each partition in turn. */
export async function nodeLatency(running: Running, load: SteadyLoad): Promise<Latencies> {
  const lanes = await openLanes(running, load.topic, 1);
  const batch = recordBatch({ count: load.rate / 200, valueBytes: load.recordBytes, timestampMs: Date.now() });
  const latencies: number[] = [];
  const startMs = nowMs();
  const pending: Promise<void>[] = [];
  for (let tick = 0; tick < 200 * (load.warmUpSeconds + load.seconds); tick++) {
    const dueMs = startMs + tick * 5;
    await sleep(Math.max(0, dueMs - nowMs()));
    const lane = lanes[tick % lanes.length] as Lane;
    const sent = produce(lane.connection, { topic: load.topic, partition: lane.partition, batch }).then((code) => {
      if (code !== 0) throw new Error(`a produce was refused with code ${code}`);
      if (tick >= 200 * load.warmUpSeconds) latencies.push(nowMs() - dueMs);
    });
    pending.push(sent);
  }
  await Promise.all(pending);
  closeAll(lanes);
  return percentiles(latencies);
}

/** One record at a time: produced with acks=all, then fetched. */
export async function nodeEndToEnd(
  running: Running,
  load: { topic: string; recordBytes: number; records: number },
): Promise<Latencies> {
  const lanes = await openLanes(running, load.topic, 1);
  const { connection, partition } = lanes[0] as Lane;
  const batch = recordBatch({ count: 1, valueBytes: load.recordBytes, timestampMs: Date.now() });
  const latencies: number[] = [];
  let offset = 0;
  for (let i = 0; i < load.records; i++) {
    const startMs = nowMs();
    const code = await produce(connection, { topic: load.topic, partition, batch });
    if (code !== 0) throw new Error(`a produce was refused with code ${code}`);
    const { records } = await fetchRecords(connection, { topic: load.topic, partition, offset, maxBytes: 1_048_576 });
    offset = Math.max(offset, nextOffset(records));
    latencies.push(nowMs() - startMs);
  }
  closeAll(lanes);
  return percentiles(latencies);
}
