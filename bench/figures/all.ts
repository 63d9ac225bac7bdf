import type { Row } from "../report.ts";
import { backlogFigures } from "./backlog.ts";
import { commitFigures } from "./commits.ts";
import { compactionConfig, compactionFigures } from "./compaction.ts";
import { type Context, type Figures, folderOf, note, type Pair, withPairs } from "./context.ts";
import { endToEndFigures } from "./end-to-end.ts";
import { failoverFigures } from "./failover.ts";
import { eventReaderFigures, httpProduceFigures } from "./http.ts";
import { idleFigures } from "./idle.ts";
import { latencyFigures } from "./latency.ts";
import { rebalanceFigures } from "./rebalance.ts";
import { startFigures } from "./start.ts";
import { tailFigures } from "./tail.ts";
import { coldRow, coldThroughput, throughputFigures } from "./throughput.ts";

type Measure = (context: Context, pairs: readonly Pair[]) => Promise<Row[]>;

/** Each by its name on the command line, in the order of the table. All of one object share running brokers. */
const onWarmBrokers: Readonly<Record<string, Measure>> = {
  load: throughputFigures,
  latency: latencyFigures,
  "end-to-end": endToEndFigures,
  tail: tailFigures,
  backlog: backlogFigures,
};
/** The first generations of groups wait for nobody. */
const ofGroups: Readonly<Record<string, Measure>> = { rebalance: rebalanceFigures, commits: commitFigures };
const groupConfig = { "group.initial.rebalance.delay.ms": "0" };
const ofCompaction: Readonly<Record<string, Measure>> = { compaction: compactionFigures };
/** Of Tidemark alone: Kafka has no HTTP. */
const overHttp: Readonly<Record<string, Measure>> = { http: httpProduceFigures, events: eventReaderFigures };

export const figureNames = [
  "start",
  ...Object.keys(onWarmBrokers),
  ...Object.keys(ofGroups),
  ...Object.keys(overHttp),
  ...Object.keys(ofCompaction),
  "idle",
  "failover",
];

async function measureAll(
  measures: Readonly<Record<string, Measure>>,
  wanted: ReadonlySet<string>,
  on: { context: Context; pairs: readonly Pair[] },
): Promise<Row[]> {
  const rows: Row[] = [];
  for (const [name, measure] of Object.entries(measures)) {
    if (wanted.has(name)) rows.push(...(await measure(on.context, on.pairs)));
  }
  return rows;
}

const isAny = (measures: Readonly<Record<string, Measure>>, wanted: ReadonlySet<string>): boolean =>
  Object.keys(measures).some((name) => wanted.has(name));

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
    const rows = await measureAll(onWarmBrokers, wanted, { context, pairs });
    return wanted.has("load") ? [coldRow(cold), ...rows] : rows;
  } finally {
    for (const { running } of pairs) await running.stop();
  }
}

const groupFigures = (context: Context, wanted: ReadonlySet<string>): Promise<Row[]> =>
  withPairs(context, { config: groupConfig }, (pairs) => measureAll(ofGroups, wanted, { context, pairs }));

async function httpFigures(context: Context, wanted: ReadonlySet<string>): Promise<Row[]> {
  const systems = context.systems.filter(({ name }) => name === "Tidemark");
  return withPairs({ ...context, systems }, { servesHttp: true }, (pairs) =>
    measureAll(overHttp, wanted, { context, pairs }),
  );
}

/** The rows of the figures that are wanted, of {@link figureNames}. */
export async function allFigures(context: Context, wanted: ReadonlySet<string>): Promise<Row[]> {
  const rows: Row[] = [];
  if (wanted.has("start")) rows.push(...(await startFigures(context)));
  if (isAny(onWarmBrokers, wanted)) rows.push(...(await warmFigures(context, wanted)));
  if (isAny(ofGroups, wanted)) rows.push(...(await groupFigures(context, wanted)));
  if (isAny(overHttp, wanted)) rows.push(...(await httpFigures(context, wanted)));
  if (isAny(ofCompaction, wanted)) {
    const measure = (pairs: readonly Pair[]): Promise<Row[]> => measureAll(ofCompaction, wanted, { context, pairs });
    rows.push(...(await withPairs(context, { config: compactionConfig }, measure)));
  }
  if (wanted.has("idle")) rows.push(...(await idleFigures(context)));
  if (wanted.has("failover")) rows.push(...(await failoverFigures(context)));
  return rows;
}
