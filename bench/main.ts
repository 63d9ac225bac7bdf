import { writeFileSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { javaClient, nodeClient } from "./client.ts";
import { documentOf } from "./document.ts";
import { allFigures, figureNames } from "./figures/all.ts";
import { type Context, type Extent, say } from "./figures/context.ts";
import { kafkaJars, root } from "./jars.ts";
import { kafkaSystem } from "./kafka-system.ts";
import { describeMachine, nowMs } from "./machine.ts";
import { holdMemory } from "./memory.ts";
import { tableOf } from "./report.ts";
import { killStartedAtExit } from "./system.ts";
import { tidemarkSystem } from "./tidemark-system.ts";

const help = `Usage: node bench/main.ts [--quick] [--figures LIST] [--system NAME] [--out FILE]
  --quick          two short runs: shows that everything works, not what is true
  --runs N         measured runs of each figure (default: 5)
  --seconds N      length of a measured run of load or latency (default: 60)
  --warm-ups N     most runs of 60 s before them, until two successive ones differ by less than 10 % (default: 6)
  --figures LIST   of these (default: all):
                   ${figureNames.join(",")}
  --system NAME    tidemark or kafka alone
  --out FILE       where to write the table (default: docs/benchmarks.md, only for a whole bench that is not quick)`;

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
