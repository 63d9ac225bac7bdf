/**
 * Apache Kafka's own DumpLogSegments over the files that our brokers wrote: every batch of every segment valid, every
 * record inside it walked, every index entry where it says. Run twice over the same data: after kill -9 of everything,
 * and after a start that recovered from it and a clean stop. Needs Java and Maven; says so without them.
 */
import { readdirSync, rmSync } from "node:fs";
import path from "node:path";
import { javaArguments, kafkaJars, root, run } from "../bench/jars.ts";
import { bootstrapOf } from "../bench/load.ts";
import { killStartedAtExit, makeTopic, type Running, type RunningBroker, signal } from "../bench/system.ts";
import { tidemarkSystem } from "../bench/tidemark-system.ts";

const topic = "dumped";
const compressions = ["none", "gzip", "snappy", "lz4", "zstd"];
const recordsOfEach = 4000;
const replicas = 3;
const folder = path.join(root, ".cache", "dump-log-segments");

async function produceAll(jars: string, running: Running): Promise<void> {
  for (const compression of compressions) {
    const program = [...javaArguments(jars, "256m"), "org.apache.kafka.tools.ProducerPerformance"];
    const size = ["--topic", topic, "--num-records", `${recordsOfEach}`, "--record-size", "1000", "--throughput", "-1"];
    const to = ["--bootstrap-server", bootstrapOf(running), "--command-property", "acks=all"];
    const result = await run("java", [...program, ...size, ...to, `compression.type=${compression}`]);
    if (result.status !== 0 || !result.output.includes(`${recordsOfEach} records sent`)) {
      throw new Error(`producing with compression ${compression} failed: ${result.output.slice(-2000)}`);
    }
  }
}

/** Files of the partitions of our topic that Kafka's tool reads, of all brokers. */
function filesOf(suffix: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const isOurs = (parent: string): boolean => path.basename(parent).startsWith(`${topic}-`);
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix) && isOurs(entry.parentPath))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/**
 * What the tool found wrong. Of every segment that does not begin at offset 0 it says that "-1 is followed by" the
 * segment's first offset, of Kafka's own segments too: that alone is no complaint.
 */
function complaintsOf(lines: readonly string[]): string[] {
  const wrong = /isvalid: false|mismatch|out of order|exception|error|failed|corrupt|truncat/i;
  const complaints = lines.filter((line) => wrong.test(line));
  let file = "";
  for (const line of lines) {
    file = /^Non-consecutive offsets in (.*)/.exec(line)?.[1] ?? file;
    const gap = /^\s*(-?\d+) is followed by (\d+)/.exec(line);
    if (gap === null) continue;
    const isStart = gap[1] === "-1" && Number(gap[2]) === Number(path.basename(file, ".log"));
    if (!isStart) complaints.push(`${file}: ${line.trim()}`);
  }
  return complaints;
}

interface Dump {
  readonly batches: number;
  readonly records: number;
  readonly complaints: readonly string[];
}

async function dump(jars: string): Promise<Dump> {
  const [logs, offsets, times] = [filesOf(".log"), filesOf(".index"), filesOf(".timeindex")];
  if (logs.length < replicas * 2)
    throw new Error(`only ${logs.length} segments were written: nothing is shown by them`);
  const program = [...javaArguments(jars, "512m"), "org.apache.kafka.tools.DumpLogSegments"];
  const files = [...logs, ...offsets, ...times].join(",");
  const result = await run("java", [...program, "--deep-iteration", "--verify-index-only", "--files", files]);
  const lines = result.output.split("\n");
  const complaints = complaintsOf(lines);
  if (result.status !== 0) complaints.push(`DumpLogSegments ended with status ${result.status}`);
  console.log(`  ${logs.length} segments, ${offsets.length} offset indexes, ${times.length} time indexes`);
  return {
    batches: lines.filter((line) => line.includes("isvalid: true")).length,
    records: lines.filter((line) => /^\|? ?offset: \d+ /.test(line)).length,
    complaints,
  };
}

async function check(jars: string, when: string): Promise<boolean> {
  console.log(`DumpLogSegments --deep-iteration --verify-index-only, ${when}:`);
  const { batches, records, complaints } = await dump(jars);
  const wanted = compressions.length * recordsOfEach * replicas;
  console.log(
    `  ${batches} batches valid, ${records} records walked (${wanted} expected), ${complaints.length} complaints`,
  );
  for (const complaint of complaints.slice(0, 20)) console.log(`  ${complaint}`);
  return complaints.length === 0 && records === wanted;
}

async function main(): Promise<number> {
  const jars = await kafkaJars();
  if (!jars.ok) {
    console.log(`dump check: not run, ${jars.reason}`);
    return 0;
  }
  const running = await tidemarkSystem.start(folder, { restartsBrokers: false });
  let isSound: boolean;
  try {
    const config = { "segment.bytes": "1048576" };
    await makeTopic(running.brokers[0] as RunningBroker, { name: topic, partitions: 2, config });
    await produceAll(jars.folder, running);
    for (const pid of running.pids) signal(pid, "SIGKILL");
  } finally {
    await running.stop({ keepsData: true });
  }
  isSound = await check(jars.folder, "after kill -9 of every process");
  const again = await tidemarkSystem.start(folder, { keepsData: true });
  await again.stop({ keepsData: true });
  isSound = (await check(jars.folder, "after recovery and a clean stop")) && isSound;
  rmSync(folder, { recursive: true, force: true });
  console.log(isSound ? "dump check: passed" : "dump check: FAILED");
  return isSound ? 0 : 1;
}

killStartedAtExit();
process.exitCode = await main();
