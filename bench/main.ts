import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { javaClient, nodeClient } from "./client.ts";
import { backlogFigures } from "./figures/backlog.ts";
import {
  type Context,
  type Extent,
  type Figures,
  folderOf,
  note,
  type Pair,
  say,
  withPairs,
} from "./figures/context.ts";
import { failoverFigures } from "./figures/failover.ts";
import { commitFigures } from "./figures/commits.ts";
import { rebalanceFigures } from "./figures/rebalance.ts";
import { idleFigures } from "./figures/idle.ts";
import { latencyFigures } from "./figures/latency.ts";
import { startFigures } from "./figures/start.ts";
import { coldRow, coldThroughput, throughputFigures } from "./figures/throughput.ts";
import { kafkaJars, root } from "./jars.ts";
import { kafkaSystem } from "./kafka-system.ts";
import { describeMachine, nowMs } from "./machine.ts";
import { type Held, holdMemory } from "./memory.ts";
import { type Row, tableOf } from "./report.ts";
import { killStartedAtExit } from "./system.ts";
import { tidemarkSystem } from "./tidemark-system.ts";

const help = `Usage: node bench/main.ts [--quick] [--figures LIST] [--system NAME] [--out FILE]
  --quick          two short runs: shows that everything works, not what is true
  --runs N         measured runs of each figure (default: 5)
  --seconds N      length of a measured run of load or latency (default: 60)
  --warm-ups N     most runs of 60 s before them, until two successive ones differ by less than 10 % (default: 6)
  --figures LIST   of start,load,latency,backlog,rebalance,commits,idle,failover (default: all)
  --system NAME    tidemark or kafka alone
  --out FILE       where to write the table (default: docs/benchmarks.md, only for a whole bench that is not quick)`;

const figureNames = ["start", "load", "latency", "backlog", "rebalance", "commits", "idle", "failover"];

const full: Extent = {
  runs: 5,
  windowMs: 60_000,
  warmUpWindowMs: 60_000,
  clientWarmUpMs: 10_000,
  warmUpRunsMax: 6,
  backlogRecords: 3_000_000,
};
const quick: Extent = {
  runs: 2,
  windowMs: 10_000,
  warmUpWindowMs: 20_000,
  clientWarmUpMs: 5000,
  warmUpRunsMax: 1,
  backlogRecords: 300_000,
};

/** What is asked for on the command line, over what is usual; undefined when a number is none. */
function extentOf(asked: { quick: boolean; runs?: string; seconds?: string; "warm-ups"?: string }): Extent | undefined {
  const usual = asked.quick ? quick : full;
  const extent = {
    ...usual,
    runs: Number(asked.runs ?? usual.runs),
    windowMs: Number(asked.seconds ?? usual.windowMs / 1000) * 1000,
    warmUpRunsMax: Number(asked["warm-ups"] ?? usual.warmUpRunsMax),
  };
  const isSound = [extent.runs, extent.windowMs, extent.warmUpRunsMax].every((n) => Number.isInteger(n) && n >= 1);
  return isSound ? extent : undefined;
}

/** Figures that need brokers which have been at work for a while: all on the same processes. */
async function warmFigures(context: Context, wanted: ReadonlySet<string>): Promise<Row[]> {
  const pairs: Pair[] = [];
  const cold: Figures = {};
  try {
    for (const system of context.systems) {
      const pair = { system, running: await system.start(folderOf(system)) };
      pairs.push(pair);
      if (wanted.has("load")) note(cold, system.name, await coldThroughput(context, pair));
    }
    const rows: Row[] = [];
    if (wanted.has("load")) rows.push(coldRow(cold), ...(await throughputFigures(context, pairs)));
    if (wanted.has("latency")) rows.push(...(await latencyFigures(context, pairs)));
    if (wanted.has("backlog")) rows.push(...(await backlogFigures(context, pairs)));
    return rows;
  } finally {
    for (const { running } of pairs) await running.stop();
  }
}

/** Figures of consumer groups, whose first generations wait for nobody. */
async function groupFigures(context: Context, wanted: ReadonlySet<string>): Promise<Row[]> {
  if (!["rebalance", "commits"].some((name) => wanted.has(name))) return [];
  return withPairs(context, { config: { "group.initial.rebalance.delay.ms": "0" } }, async (pairs) => {
    const rows: Row[] = [];
    if (wanted.has("rebalance")) rows.push(...(await rebalanceFigures(context, pairs)));
    if (wanted.has("commits")) rows.push(...(await commitFigures(context, pairs)));
    return rows;
  });
}

async function allFigures(context: Context, wanted: ReadonlySet<string>): Promise<Row[]> {
  const rows: Row[] = [];
  if (wanted.has("start")) rows.push(...(await startFigures(context)));
  if (["load", "latency", "backlog"].some((name) => wanted.has(name)))
    rows.push(...(await warmFigures(context, wanted)));
  rows.push(...(await groupFigures(context, wanted)));
  if (wanted.has("idle")) rows.push(...(await idleFigures(context)));
  if (wanted.has("failover")) rows.push(...(await failoverFigures(context)));
  return rows;
}

/** Docs are written in whole paragraphs: the lines of a source file are joined. */
const paragraph = (...lines: string[]): string => lines.join(" ");

interface Told {
  readonly rows: readonly Row[];
  readonly held: Held;
  readonly minutes: number;
}

function documentOf({ extent, client }: Context, { rows, held, minutes }: Told): string {
  const date = new Date().toISOString().slice(0, 10);
  return [
    "# Benchmarks",
    `Written by \`make bench\` on ${date}: ${describeMachine()}. It took ${minutes} minutes.`,
    "",
    paragraph(
      "Three brokers, replication factor 3, acks=all, min.insync.replicas 2, on one machine together with the client.",
      "Only ratios of one run on one machine mean anything: run it on yours.",
    ),
    "",
    tableOf(rows),
    "",
    paragraph(
      `- Figures are medians (least … greatest). Load and latency: ${extent.runs} runs of ${extent.windowMs / 1000} s`,
      `for each system, by turns, on brokers warmed until two successive runs of ${extent.warmUpWindowMs / 1000} s`,
      `differed by less than 10 % (at most ${extent.warmUpRunsMax} runs); the first`,
      `${extent.clientWarmUpMs / 1000} s of a client are left out.`,
    ),
    paragraph(
      `- Both systems run with their own defaults under the same client programs: ${client.name};`,
      "idempotence and compression as the client has them by default (on, none).",
    ),
    paragraph(
      "- CPU-seconds are user and system time of all broker processes; Tidemark's controller process counts as one",
      "of them, because Kafka's controllers are in its brokers. Kafka: three nodes, each broker and controller,",
      "1 GiB heaps.",
    ),
    paragraph(
      `- Memory: ${held.says}. A page fault of the hypervisor's would count as work of whoever writes to a file;`,
      "where they are counted, both systems spend most of their time on them.",
    ),
    paragraph(
      "- Start: from the first process to the first record acknowledged with acks=all; Kafka's formatting of its",
      "storage is left out.",
    ),
    paragraph(
      "- First minute after start: records acknowledged until then, over all processor time that the processes have",
      "used since the first of them was started.",
    ),
    paragraph(
      "- Time without a leader: the longest pause between two acknowledgements of one partition, seen by a probe that",
      "sends one record every 10 ms to each of six partitions and asks every 20 ms who leads, so that no client's",
      "back-off is measured.",
    ),
    "",
  ].join("\n");
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: "boolean", default: false },
      runs: { type: "string" },
      seconds: { type: "string" },
      "warm-ups": { type: "string" },
      figures: { type: "string", default: figureNames.join(",") },
      system: { type: "string" },
      out: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const wanted = new Set(values.figures.split(","));
  const isKnown = values.system === undefined || ["tidemark", "kafka"].includes(values.system);
  const extent = extentOf(values);
  if (values.help || extent === undefined || !isKnown || [...wanted].some((name) => !figureNames.includes(name))) {
    console.log(help);
    return values.help ? 0 : 1;
  }
  const jars = await kafkaJars();
  if (!jars.ok) say(`Tidemark alone, without Apache Kafka beside it: ${jars.reason}`);
  const systems = jars.ok ? [tidemarkSystem, kafkaSystem(jars.folder)] : [tidemarkSystem];
  const context: Context = {
    systems: systems.filter(({ name }) => values.system === undefined || name.toLowerCase().endsWith(values.system)),
    client: jars.ok ? javaClient(jars.folder) : nodeClient,
    extent,
  };
  say(`${describeMachine()}; client: ${context.client.name}`);
  const startMs = nowMs();
  const held = await holdMemory(path.join(root, ".cache", "bench"));
  say(held.says);
  const rows = await allFigures(context, wanted).finally(held.release);
  console.log(`\n${tableOf(rows)}\n`);
  const isWhole = !values.quick && wanted.size === figureNames.length && context.systems.length === 2;
  const out = values.out ?? (isWhole ? path.join(root, "docs", "benchmarks.md") : undefined);
  if (out !== undefined) {
    const minutes = Math.round((nowMs() - startMs) / 60_000);
    writeFileSync(out, documentOf(context, { rows, held, minutes }));
    say(`written: ${out}`);
  }
  return 0;
}

killStartedAtExit();
try {
  process.exitCode = await main();
} catch (error) {
  for (let cause: unknown = error; Error.isError(cause); cause = cause.cause) console.error(`bench: ${cause.message}`);
  process.exitCode = 1;
}
