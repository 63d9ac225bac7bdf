import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { javaArguments } from "./jars.ts";
import { bootstrapOf, flagsOf, javaSource } from "./load.ts";
import { recordsIn } from "./log-ends.ts";
import { cpuSeconds, idleSeconds, nowMs, sleep } from "./machine.ts";
import { endsWithBench, type Running, until } from "./system.ts";

/** A steady produce and who reads it as it comes. */
export interface TailLoad {
  readonly topic: string;
  readonly partitions: number;
  readonly recordBytes: number;
  /** Records a second. */
  readonly rate: number;
  /** Each in a group of its own, reading everything. */
  readonly consumers: number;
  readonly warmUpMs: number;
  readonly windowMs: number;
}

/** What the brokers used, in parts of a core, and what was read meanwhile. */
export interface TailWindow {
  readonly produceCores: number;
  readonly withConsumersCores: number;
  readonly consumedBytesPerSecond: number;
  /** Cores that had nothing to do while the consumers read. */
  readonly idleCores: number;
}

/** So much of what is produced has to be read meanwhile, or it was not the tail that was read. */
const LEAST_PART = 0.9;

let runs = 0;

/** A program that prints lines while it runs, the last of which is kept. */
class Talker {
  private readonly name: string;
  private readonly child: ChildProcess;
  private errors = "";
  private isEnding = false;
  private failure: Error | undefined;
  last = "";
  lines = 0;

  constructor(name: string, args: readonly string[]) {
    this.name = name;
    this.child = spawn("java", args, { stdio: ["pipe", "pipe", "pipe"] });
    endsWithBench(this.child);
    const { stdout, stderr } = this.child;
    if (stdout !== null) {
      createInterface({ input: stdout }).on("line", (line) => {
        this.last = line;
        this.lines++;
      });
    }
    stderr?.on("data", (chunk: Buffer) => {
      this.errors = (this.errors + chunk.toString()).slice(-2000);
    });
    this.child.on("error", (error) => {
      this.failure = error;
    });
    this.child.on("close", () => {
      if (!this.isEnding) this.failure ??= new Error(`${this.name} ended early: ${this.errors}`);
    });
  }

  /** The next line that it prints. @throws Error when it has ended, or says nothing for a minute */
  next(): Promise<string> {
    const before = this.lines;
    return until(`a line of ${this.name}`, { limitMs: 60_000 }, async () => {
      this.check();
      return this.lines > before ? this.last : undefined;
    });
  }

  /** @throws Error when it has ended */
  check(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** Tells it to end by itself, or kills it; answers when it has ended. */
  async end(how: "asked" | "killed"): Promise<void> {
    if (this.isEnding || this.failure !== undefined) return;
    this.isEnding = true;
    const closed = once(this.child, "close");
    if (how === "asked") this.child.stdin?.end("\n");
    else this.child.kill("SIGKILL");
    await closed;
  }
}

function producer(jars: string, running: Running, load: TailLoad): Talker {
  const flags = flagsOf({
    topic: load.topic,
    "bootstrap-server": bootstrapOf(running),
    "num-records": 2_000_000_000,
    "record-size": load.recordBytes,
    throughput: load.rate,
    "reporting-interval": 1000,
    "command-property": "acks=all",
  });
  const args = [...javaArguments(jars, "512m"), "org.apache.kafka.tools.ProducerPerformance", ...flags];
  return new Talker("ProducerPerformance", args);
}

function consumers(jars: string, running: Running, load: TailLoad): Talker {
  const args = [bootstrapOf(running), load.topic, `tail-${process.pid}-${++runs}`, `${load.consumers}`];
  return new Talker("TailConsumers", [...javaArguments(jars, "768m"), javaSource("TailConsumers"), ...args]);
}

interface Read {
  readonly partitions: number;
  readonly records: number;
  readonly bytes: number;
}

function readOf(line: string): Read {
  const [partitions = -1, records = -1, bytes = -1] = (line.match(/\d+/g) ?? []).map(Number);
  return { partitions, records, bytes };
}

/** Cores that the brokers used while `windowMs` passed. */
async function coresDuring(running: Running, windowMs: number): Promise<number> {
  const [cpu, startMs] = [cpuSeconds(running.pids), nowMs()];
  await sleep(windowMs);
  return ((cpuSeconds(running.pids) - cpu) * 1000) / (nowMs() - startMs);
}

/**
 * The brokers' processor time under a steady produce: alone, with consumers, and alone again. The difference of the
 * middle and the mean of the others is what consuming takes.
 */
export async function measureTail(jars: string, running: Running, load: TailLoad): Promise<TailWindow> {
  const produces = producer(jars, running, load);
  let reads: Talker | undefined;
  try {
    await produces.next();
    await sleep(load.warmUpMs);
    const before = await coresDuring(running, load.windowMs / 2);
    reads = consumers(jars, running, load);
    const during = await consume(reads, running, load);
    await reads.end("asked");
    await sleep(2000);
    const after = await coresDuring(running, load.windowMs / 2);
    produces.check();
    return { produceCores: (before + after) / 2, ...during };
  } finally {
    await reads?.end("killed");
    await produces.end("killed");
  }
}

async function consume(reads: Talker, running: Running, load: TailLoad): Promise<Omit<TailWindow, "produceCores">> {
  const wanted = load.consumers * load.partitions;
  await until(`${wanted} partitions read`, { limitMs: 60_000 }, async () =>
    readOf(await reads.next()).partitions === wanted ? true : undefined,
  );
  await sleep(load.warmUpMs);
  const [produced, first, startMs] = [await recordsIn(running, load.topic), readOf(await reads.next()), nowMs()];
  const idleBefore = idleSeconds();
  const withConsumersCores = await coresDuring(running, load.windowMs);
  const idleCores = ((idleSeconds() - idleBefore) * 1000) / load.windowMs;
  const [last, seconds] = [readOf(await reads.next()), (nowMs() - startMs) / 1000];
  const records = last.records - first.records;
  const expected = ((await recordsIn(running, load.topic)) - produced) * load.consumers;
  if (records === 0 || records < LEAST_PART * expected || last.partitions !== wanted) {
    throw new Error(`${records} records were read at the tail, and ${expected} were to be`);
  }
  return { withConsumersCores, idleCores, consumedBytesPerSecond: (last.bytes - first.bytes) / seconds };
}
