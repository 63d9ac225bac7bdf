import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { SteadyLoad, WindowTimes } from "./client.ts";
import { javaArguments, run } from "./jars.ts";
import { cpuSeconds, nowMs, residentBytes } from "./machine.ts";
import { endsWithBench, type Running } from "./system.ts";

/** What a load asks of the brokers, always with acks=all and the client's own idempotence. */
export interface Load {
  readonly topic: string;
  readonly recordBytes: number;
  /** Client's batch.size in bytes; 0 sends every record by itself. */
  readonly batchBytes: number;
  readonly lingerMs: number;
  readonly producers: number;
}

/** The source of a program of our own, which `java` runs as it is. */
export const javaSource = (name: string): string => `${import.meta.dirname}/kafka/${name}.java`;

/** What was seen in one window of a load. */
export interface Window {
  readonly records: number;
  readonly seconds: number;
  /** Processor time of all broker processes. */
  readonly brokerCpuSeconds: number;
  /** Greatest resident memory of the mean broker, bytes. */
  readonly residentBytes: number;
}

export const bootstrapOf = (running: Running): string =>
  running.brokers.map((broker) => `${broker.host}:${broker.port}`).join(",");

const meanResident = (running: Running): number =>
  running.brokers.reduce((sum, broker) => sum + residentBytes(broker.pid), 0) / running.brokers.length;

export const flagsOf = (values: Record<string, string | number>): string[] =>
  Object.entries(values).flatMap(([name, value]) => [`--${name}`, `${value}`]);

function performanceArguments(jars: string, running: Running, load: Load): string[] {
  const flags = flagsOf({
    topic: load.topic,
    "bootstrap-server": bootstrapOf(running),
    "num-records": 2_000_000_000,
    "record-size": load.recordBytes,
    throughput: -1,
    "reporting-interval": 1000,
  });
  const properties = ["acks=all", `linger.ms=${load.lingerMs}`, `batch.size=${load.batchBytes}`];
  // Ten full queues of one-record batches would keep the client's garbage collector busy instead of the brokers.
  if (load.producers > 1) properties.push("buffer.memory=1048576");
  const args = [...flags, "--command-property", ...properties, "max.in.flight.requests.per.connection=5"];
  if (load.producers === 1) {
    return [...javaArguments(jars, "512m"), "org.apache.kafka.tools.ProducerPerformance", ...args];
  }
  return [...javaArguments(jars, "768m"), javaSource("ParallelProducers"), `${load.producers}`, ...args];
}

/**
 * Runs Kafka's ProducerPerformance at full speed, leaves out its first `warmUpMs`, and counts records acknowledged
 * and processor time used over the `windowMs` that follow. The client is killed then.
 */
export function measureLoad(jars: string, running: Running, load: Load, times: WindowTimes): Promise<Window> {
  return new Promise((resolve, reject) => {
    const child = spawn("java", performanceArguments(jars, running, load), { stdio: ["ignore", "pipe", "pipe"] });
    endsWithBench(child);
    const startMs = nowMs();
    const begin = () => ({ atMs: nowMs(), cpu: times.countsStart === true ? 0 : cpuSeconds(running.pids) });
    let began = times.warmUpMs === 0 ? begin() : undefined;
    let records = 0;
    let resident = 0;
    let errors = "";
    let isDone = false;
    const finish = (at: { atMs: number; cpu: number }): void => {
      isDone = true;
      child.kill("SIGKILL");
      const seconds = (nowMs() - at.atMs) / 1000;
      resolve({ records, seconds, brokerCpuSeconds: cpuSeconds(running.pids) - at.cpu, residentBytes: resident });
    };
    createInterface({ input: child.stdout }).on("line", (line) => {
      const match = /^(\d+) records sent, .* max latency/.exec(line);
      if (match === null || isDone) return;
      if (began === undefined) {
        if (nowMs() - startMs >= times.warmUpMs) began = begin();
        return;
      }
      records += Number(match[1]);
      resident = Math.max(resident, meanResident(running));
      if (nowMs() - began.atMs >= times.windowMs) finish(began);
    });
    child.stderr.on("data", (chunk: Buffer) => {
      errors = (errors + chunk.toString()).slice(-2000);
    });
    child.on("error", reject);
    child.on("close", () => {
      if (!isDone) reject(new Error(`ProducerPerformance ended early: ${errors}`));
    });
  });
}

/** What reading a topic from its beginning took. */
export interface Consumption {
  readonly megabytes: number;
  readonly brokerCpuSeconds: number;
}

let groups = 0;

/** Runs Kafka's ConsumerPerformance as a new group, until it has `records` of the topic. */
export async function measureConsumption(
  jars: string,
  running: Running,
  load: { topic: string; records: number },
): Promise<Consumption> {
  const cpu = cpuSeconds(running.pids);
  const result = await run("java", [
    ...javaArguments(jars, "512m"),
    "org.apache.kafka.tools.ConsumerPerformance",
    ...flagsOf({
      topic: load.topic,
      "bootstrap-server": bootstrapOf(running),
      "num-records": load.records,
      group: `bench-${process.pid}-${++groups}`,
    }),
  ]);
  // Of its table's one row, after two times, the third is mebibytes and the fifth is records.
  const cells = result.output.trim().split("\n").at(-1)?.split(", ") ?? [];
  if (!(Number(cells[4]) >= load.records)) {
    throw new Error(`ConsumerPerformance read ${cells[4]} of ${load.records}: ${result.output.slice(-2000)}`);
  }
  return { megabytes: Number(cells[2]) * 1.048_576, brokerCpuSeconds: cpuSeconds(running.pids) - cpu };
}

/** Latencies of a steady produce, milliseconds. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Runs ProducerPerformance at `rate` records a second with the client's own batching; leaves out the warm-up. */
export async function measureLatency(jars: string, running: Running, load: SteadyLoad): Promise<Latencies> {
  const warmUp = load.rate * load.warmUpSeconds;
  const result = await run("java", [
    ...javaArguments(jars, "512m"),
    "org.apache.kafka.tools.ProducerPerformance",
    ...flagsOf({
      topic: load.topic,
      "bootstrap-server": bootstrapOf(running),
      "num-records": warmUp + load.rate * load.seconds,
      "warmup-records": warmUp,
      "record-size": load.recordBytes,
      throughput: load.rate,
      "command-property": "acks=all",
    }),
  ]);
  // The last line of percentiles is that of the records after the warm-up.
  const lines = result.output.split("\n").filter((line) => line.includes("99.9th"));
  const numbers = /(\d+) ms 50th, (\d+) ms 95th, (\d+) ms 99th, (\d+) ms 99\.9th/.exec(lines.at(-1) ?? "");
  if (numbers === null) throw new Error(`ProducerPerformance gave no percentiles: ${result.output.slice(-2000)}`);
  return { p50: Number(numbers[1]), p99: Number(numbers[3]), p999: Number(numbers[4]) };
}

/** Kafka's EndToEndLatency: one record at a time, produced with acks=all, until a consumer has it. Milliseconds. */
export async function measureEndToEnd(
  jars: string,
  running: Running,
  load: { topic: string; recordBytes: number; records: number },
): Promise<Latencies> {
  const program = [...javaArguments(jars, "256m"), "org.apache.kafka.tools.EndToEndLatency"];
  const args = [bootstrapOf(running), load.topic, `${load.records}`, "all", `${load.recordBytes}`];
  const result = await run("java", [...program, ...args]);
  const numbers = /50th = (\d+), 99th = (\d+), 99\.9th = (\d+)/.exec(result.output);
  if (numbers === null) throw new Error(`EndToEndLatency gave no percentiles: ${result.output.slice(-2000)}`);
  return { p50: Number(numbers[1]), p99: Number(numbers[2]), p999: Number(numbers[3]) };
}

/** Runs SteadyEndToEnd: `rate` records a second with the client's own batching, from produce to poll. Milliseconds. */
export async function measureSteadyEndToEnd(jars: string, running: Running, load: SteadyLoad): Promise<Latencies> {
  const { topic, rate, recordBytes, warmUpSeconds, seconds } = load;
  const args = [bootstrapOf(running), topic, rate, recordBytes, warmUpSeconds, seconds].map(String);
  const result = await run("java", [...javaArguments(jars, "512m"), javaSource("SteadyEndToEnd"), ...args]);
  const found = /^(\d+) records, microseconds: 50th = (\d+), 99th = (\d+), 99\.9th = (\d+)/m.exec(result.output);
  if (result.status !== 0 || Number(found?.[1]) !== rate * seconds) {
    throw new Error(`SteadyEndToEnd did not see every record: ${result.output.slice(-2000)}`);
  }
  const [p50 = 0, p99 = 0, p999 = 0] = (found ?? []).slice(2).map((microseconds) => Number(microseconds) / 1000);
  return { p50, p99, p999 };
}
