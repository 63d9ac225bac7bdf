import type { Latencies } from "../load.ts";
import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import { type Context, type Figures, note, type Pair, row } from "./context.ts";
import { warmTurns } from "./turns.ts";

const load = { topic: "steady-end-to-end", recordBytes: 1024, rate: 2000 };
const PARTITIONS = 6;

/** How long a record of a steady produce takes to whoever reads it. */
export async function endToEndFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const { steadyEndToEnd } = context.client;
  if (steadyEndToEnd === null) return [];
  const [median, tail]: [Figures, Figures] = [{}, {}];
  for (const { running } of pairs) {
    await makeTopic(running.brokers[0] as RunningBroker, { name: load.topic, partitions: PARTITIONS });
  }
  const warmUpSeconds = Math.round(context.extent.clientWarmUpMs / 1000);
  await warmTurns<Latencies>(context, pairs, {
    measure: ({ running }, windowMs) =>
      steadyEndToEnd(running, { ...load, warmUpSeconds, seconds: Math.round(windowMs / 1000) }),
    figureOf: ({ p50 }) => p50,
    describe: ({ system }, { p50, p99, p999 }) =>
      `${system.name}: ${load.rate}/s end to end p50 ${p50} ms, p99 ${p99} ms, p99.9 ${p999} ms`,
    seen({ system }, { p50, p99 }) {
      note(median, system.name, p50);
      note(tail, system.name, p99);
    },
  });
  const figure = `end to end at a steady ${load.rate.toLocaleString("en-US")} records/s`;
  return [
    row(median, { figure: `${figure}, p50`, unit: "ms", better: "less" }),
    row(tail, { figure: `${figure}, p99`, unit: "ms", better: "less", target: 0.5 }),
  ];
}
