/**
 * Apache Kafka's own DumpLogSegments over the files that our brokers wrote: every batch of every segment valid, every
 * record inside it walked, every index entry where it says. Run twice over the same data: after kill -9 of everything,
 * and after a start that recovered from it and a clean stop; of a topic that was compacted, too. Needs Java and Maven;
 * says so without them.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { Kafka, logLevel } from "kafkajs";
import { javaArguments, kafkaJars, root, run } from "../bench/jars.ts";
import { bootstrapOf } from "../bench/load.ts";
import { killStartedAtExit, makeTopic, type Running, type RunningBroker, signal, until } from "../bench/system.ts";
import { tidemarkSystem } from "../bench/tidemark-system.ts";

const topic = "dumped";
/** Of few keys, so that compaction leaves little of it. */
const compacted = "dumped-compacted";
const keys = 50;
const keyedRecords = 4000;
const tombstones = 10;
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

/** Files of the partitions of a topic that Kafka's tool reads, of all brokers. */
function filesOf(name: string, suffix: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const isOurs = (parent: string): boolean => new RegExp(`^${name}-\\d+$`).test(path.basename(parent));
  return entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(suffix) && isOurs(entry.parentPath))
    .map((entry) => path.join(entry.parentPath, entry.name))
    .sort();
}

/** Records with keys, of all codecs, and tombstones; resolves when most of them were compacted on every broker. */
async function produceCompacted(jars: string, running: Running): Promise<void> {
  const config = { "cleanup.policy": "compact", "segment.bytes": "8192", "min.cleanable.dirty.ratio": "0.01" };
  await makeTopic(running.brokers[0] as RunningBroker, { name: compacted, partitions: 1, config });
  const kafka = new Kafka({ brokers: bootstrapOf(running).split(","), logLevel: logLevel.NOTHING });
  const producer = kafka.producer();
  await producer.connect();
  for (let key = 0; key < tombstones; key++) {
    await producer.send({ topic: compacted, acks: -1, messages: [{ key: `gone-${key}`, value: null }] });
  }
  await producer.disconnect();
  for (const compression of compressions) {
    const properties = path.join(folder, `producer-${compression}.properties`);
    writeFileSync(properties, `compression.type=${compression}\nbatch.size=1000\n`);
    const program = [...javaArguments(jars, "256m"), "org.apache.kafka.tools.VerifiableProducer"];
    const what = ["--topic", compacted, "--max-messages", `${keyedRecords}`, "--repeating-keys", `${keys}`];
    const to = ["--bootstrap-server", bootstrapOf(running), "--command-config", properties];
    const result = await run("java", [...program, ...what, ...to]);
    if (!result.output.includes(`"acked":${keyedRecords}`)) {
      throw new Error(`producing keys with compression ${compression} failed: ${result.output.slice(-2000)}`);
    }
  }
  const wanted = (compressions.length - 1) * keyedRecords;
  await until("compaction on every broker", { limitMs: 120_000, pids: running.pids }, async () => {
    const ends = cleanedEnds().filter((end) => end > wanted);
    return ends.length === replicas ? true : undefined;
  });
}

/** Up to where each broker's checkpoint says that the topic is compacted. */
function cleanedEnds(): number[] {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const checkpoints = files.filter((name) => path.basename(name) === "cleaner-offset-checkpoint");
  const line = new RegExp(`^${compacted} 0 (\\d+)$`, "m");
  return checkpoints.map((name) => Number(line.exec(readFileSync(path.join(folder, name), "utf8"))?.[1] ?? 0));
}

/**
 * What the tool found wrong. Of every segment that does not begin at offset 0 it says that "-1 is followed by" the
 * segment's first offset, of Kafka's own segments too: that alone is no complaint. Nor is any gap between records of a
 * compacted topic.
 */
function complaintsOf(lines: readonly string[], options: { isCompacted: boolean }): string[] {
  const wrong = /isvalid: false|mismatch|out of order|exception|error|failed|corrupt|truncat/i;
  const complaints = lines.filter((line) => wrong.test(line));
  if (options.isCompacted) return complaints;
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
  readonly emptyBatches: number;
  readonly batchesWithHorizon: number;
  readonly records: number;
  readonly complaints: readonly string[];
}

async function dump(jars: string, name: string): Promise<Dump> {
  const [logs, offsets] = [filesOf(name, ".log"), filesOf(name, ".index")];
  // The tool opens both indexes of a segment; a segment of less than index.interval.bytes may have one only.
  const times = filesOf(name, ".timeindex").filter((file) => offsets.includes(file.replace(/timeindex$/, "index")));
  if (logs.length < replicas * 2)
    throw new Error(`only ${logs.length} segments were written: nothing is shown by them`);
  const program = [...javaArguments(jars, "512m"), "org.apache.kafka.tools.DumpLogSegments"];
  const files = [...logs, ...offsets, ...times].join(",");
  const result = await run("java", [...program, "--deep-iteration", "--verify-index-only", "--files", files]);
  const lines = result.output.split("\n");
  const complaints = complaintsOf(lines, { isCompacted: name === compacted });
  if (result.status !== 0) complaints.push(`DumpLogSegments ended with status ${result.status}`);
  console.log(`  ${logs.length} segments, ${offsets.length} offset indexes, ${times.length} time indexes`);
  const batches = lines.filter((line) => line.includes("isvalid: true"));
  return {
    batches: batches.length,
    emptyBatches: batches.filter((line) => / count: 0 /.test(line)).length,
    batchesWithHorizon: batches.filter((line) => /deleteHorizonMs: (OptionalLong\[)?\d/.test(line)).length,
    records: lines.filter((line) => /^\|? ?offset: \d+ /.test(line)).length,
    complaints,
  };
}

async function check(jars: string, when: string): Promise<boolean> {
  console.log(`DumpLogSegments --deep-iteration --verify-index-only, ${when}:`);
  const { batches, records, complaints } = await dump(jars, topic);
  const wanted = compressions.length * recordsOfEach * replicas;
  console.log(
    `  ${batches} batches valid, ${records} records walked (${wanted} expected), ${complaints.length} complaints`,
  );
  for (const complaint of complaints.slice(0, 20)) console.log(`  ${complaint}`);
  return (await checkCompacted(jars)) && complaints.length === 0 && records === wanted;
}

/** Of the compacted topic little is left, in batches as Kafka writes them when it compacts. */
async function checkCompacted(jars: string): Promise<boolean> {
  const { batches, emptyBatches, batchesWithHorizon, records, complaints } = await dump(jars, compacted);
  const written = (compressions.length * keyedRecords + tombstones) * replicas;
  console.log(
    `  compacted: ${batches} batches valid, ${emptyBatches} of them empty, ${batchesWithHorizon} with a delete ` +
      `horizon, ${records} of ${written} records left, ${complaints.length} complaints`,
  );
  for (const complaint of complaints.slice(0, 20)) console.log(`  ${complaint}`);
  const isLittle = records >= keys * replicas && records < written / 4;
  return isLittle && emptyBatches > 0 && batchesWithHorizon >= replicas && complaints.length === 0;
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
    await produceCompacted(jars.folder, running);
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
