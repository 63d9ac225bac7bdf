import type { PartitionIndex } from "../../broker/base/ids.ts";
import { describeLogDirs } from "../../broker/wire/apis/35-describe-log-dirs.ts";
import { incrementalAlterConfigs } from "../../broker/wire/apis/44-incremental-alter-configs.ts";
import { buildBatch } from "../../broker/wire/record-batch-builder.ts";
import { ask } from "../ask.ts";
import { run } from "../jars.ts";
import { nowMs, sleep } from "../machine.ts";
import type { Row } from "../report.ts";
import { p99Of, SteadyProducer } from "../steady-batches.ts";
import { makeTopic, produceSurely, type Running, type RunningBroker, until, withConnection } from "../system.ts";
import { deleteTopic } from "../requests.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";

const RECORDS = 1_000_000;
const KEYS = 50_000;
const VALUE_BYTES = 1000;
const RECORDS_PER_BATCH = 500;
const SEGMENT_BYTES = 67_108_864;
/** What is left at least and at most: each key once, and beside that the segment that is still written to. */
const LEFT_BYTES_MIN = KEYS * VALUE_BYTES;
const LEFT_BYTES_MAX = 1.1 * KEYS * (VALUE_BYTES + 40) + SEGMENT_BYTES;

const RUNS_MAX = 3;
const BEFORE_MS_MAX = 20_000;
const steady = { periodMs: 5, records: 10, recordBytes: 1024 };

/** The cleaner looks soon after it is told, so that what is measured is cleaning. */
export const compactionConfig = { "log.cleaner.backoff.ms": "200" };

let topics = 0;

/** A gigabyte of records on one replica, of which compaction leaves one in twenty. */
async function fill(broker: RunningBroker, topic: string): Promise<void> {
  const value = Buffer.alloc(VALUE_BYTES, "tidemark ");
  await withConnection(broker, async (connection) => {
    let next = 0;
    const send = async (): Promise<void> => {
      while (next < RECORDS) {
        const first = next;
        next += RECORDS_PER_BATCH;
        // Steps through all keys by a prime, so that no two neighbours have neighbouring keys.
        const keyOf = (index: number): string => `key-${((first + index) * 7919) % KEYS}`;
        const timestamp = Date.now();
        const records = Array.from({ length: RECORDS_PER_BATCH }, (_, index) => ({
          key: keyOf(index),
          value,
          timestamp,
        }));
        await produceSurely(connection, { topic, partition: 0, batch: buildBatch(records) });
      }
    };
    await Promise.all([send(), send(), send(), send()]);
  });
}

const bytesOf = (broker: RunningBroker, topic: string): Promise<number> =>
  withConnection(broker, async (connection) => {
    const partitions = [0 as PartitionIndex];
    const { results } = await ask(connection, describeLogDirs, 1, { topics: [{ topic, partitions }] });
    const found = results.flatMap((result) => result.topics).find(({ name }) => name === topic);
    const size = found?.partitions[0]?.partitionSize;
    if (size === undefined) throw new Error(`broker ${broker.id} does not tell the size of ${topic}`);
    return Number(size);
  });

/** Says that a topic is compacted from now on. */
async function compact(broker: RunningBroker, topic: string): Promise<void> {
  const topicType = 2;
  const configs = [{ name: "cleanup.policy", configOperation: 0, value: "compact" }];
  await withConnection(broker, async (connection) => {
    const { responses } = await ask(connection, incrementalAlterConfigs, 0, {
      resources: [{ resourceType: topicType, resourceName: topic, configs }],
      validateOnly: false,
    });
    const code = responses[0]?.errorCode;
    if (code !== 0) throw new Error(`${topic} was not made a compacted topic: code ${code}`);
  });
}

interface Compaction {
  readonly seconds: number;
  readonly p99BeforeMs: number;
  readonly p99DuringMs: number;
}

/** Compacts a new topic of one replica, beside a produce to another topic that the same broker leads. */
async function measure({ brokers }: Running, beforeMs: number): Promise<Compaction> {
  const [broker, ...others] = brokers as [RunningBroker, ...RunningBroker[]];
  const [topic, beside] = [`compacted-${++topics}`, `beside-${topics}`];
  const config = {
    "min.insync.replicas": "1",
    "segment.bytes": `${SEGMENT_BYTES}`,
    "min.cleanable.dirty.ratio": "0.01",
  };
  await makeTopic(broker, { name: topic, partitions: 1, replicas: [broker.id], config });
  const replicas = [broker, ...others].map(({ id }) => id);
  await makeTopic(broker, { name: beside, partitions: 1, replicas });
  await fill(broker, topic);
  // What the kernel has yet to write would be in the window that happens to come then.
  await run("sync", []);
  const filled = await bytesOf(broker, topic);
  if (filled < RECORDS * VALUE_BYTES) throw new Error(`${topic} has ${filled} bytes, too few to compact`);
  const producer = new SteadyProducer({ ...steady, topic: beside, leader: broker });
  await sleep(5000);
  const fromMs = nowMs();
  await sleep(beforeMs);
  const startMs = nowMs();
  await compact(broker, topic);
  const left = await until(`${topic} compacted`, { limitMs: 240_000 }, async () => {
    await sleep(100);
    const bytes = await bytesOf(broker, topic);
    return bytes <= LEFT_BYTES_MAX ? bytes : undefined;
  });
  const endMs = nowMs();
  const sent = await producer.stop();
  if (left < LEFT_BYTES_MIN) throw new Error(`${topic} has ${left} bytes left: fewer than its keys need`);
  for (const name of [topic, beside]) await withConnection(broker, (connection) => deleteTopic(connection, name));
  return {
    seconds: (endMs - startMs) / 1000,
    p99BeforeMs: p99Of(sent, { fromMs, untilMs: startMs }),
    p99DuringMs: p99Of(sent, { fromMs: startMs, untilMs: endMs }),
  };
}

/** What compacting a gigabyte does to a produce at the same broker. */
export async function compactionFigures({ extent }: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const [growth, during, time]: [Figures, Figures, Figures] = [{}, {}, {}];
  const beforeMs = Math.min(extent.windowMs, BEFORE_MS_MAX);
  for (let round = 0; round <= Math.min(extent.runs, RUNS_MAX); round++) {
    for (const { system, running } of pairs) {
      const { seconds, p99BeforeMs, p99DuringMs } = await measure(running, beforeMs);
      const latencies = `p99 of a produce ${p99BeforeMs.toFixed(1)} ms before, ${p99DuringMs.toFixed(1)} meanwhile`;
      say(`${system.name}: 1 GB compacted in ${seconds.toFixed(1)} s; ${latencies}`);
      // The first time warms up.
      if (round === 0) continue;
      note(growth, system.name, p99DuringMs / p99BeforeMs);
      note(during, system.name, p99DuringMs);
      note(time, system.name, seconds);
    }
  }
  const figure = "produce at 2,000 records/s while its leader compacts 1 GB, p99";
  return [
    row(growth, { figure: `${figure}, over that before`, unit: "×", better: "less", limit: 1.5 }),
    row(during, { figure, unit: "ms", better: "less" }),
    row(time, { figure: "compaction of 1 GB meanwhile", unit: "s", better: "less" }),
  ];
}
