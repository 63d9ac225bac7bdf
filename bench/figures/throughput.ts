import type { WindowTimes } from "../client.ts";
import type { Load, Window } from "../load.ts";
import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker, withConnection } from "../system.ts";
import { deleteTopic } from "../requests.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";
import { warmTurns } from "./turns.ts";

type Shape = Omit<Load, "topic">;

const kilobytes: Shape = { recordBytes: 1024, batchBytes: 131_072, lingerMs: 5, producers: 1 };
const small: Shape = { recordBytes: 100, batchBytes: 131_072, lingerMs: 5, producers: 1 };
const unbatched: Shape = { recordBytes: 1024, batchBytes: 0, lingerMs: 0, producers: 10 };

let topics = 0;

/** One window of a load on a topic of its own, which is gone afterwards. */
async function measure(context: Context, pair: Pair, shape: Shape, times: WindowTimes): Promise<Window> {
  const topic = `load-${++topics}`;
  const broker = pair.running.brokers[0] as RunningBroker;
  await makeTopic(broker, { name: topic, partitions: 6 });
  const window = await context.client.load(pair.running, { ...shape, topic }, times);
  const code = await withConnection(broker, (connection) => deleteTopic(connection, topic));
  if (code !== 0) throw new Error(`${pair.system.name} did not delete topic ${topic}: code ${code}`);
  return window;
}

const perCpuSecond = (window: Window): number => window.records / window.brokerCpuSeconds;

function describe(pair: Pair, shape: Shape, window: Window): string {
  const rate = window.records / window.seconds;
  const megabytes = ((rate * shape.recordBytes) / 1e6).toFixed(1);
  const efficiency = Math.round(perCpuSecond(window));
  const speed = `${Math.round(rate)} records/s, ${megabytes} MB/s`;
  return `${pair.system.name}: ${speed}, ${efficiency} records per broker CPU-second`;
}

/** Warm runs of one load, the systems by turns; calls `seen` with each window. */
const warmRuns = (
  context: Context,
  pairs: readonly Pair[],
  shape: Shape,
  seen: (pair: Pair, window: Window) => void,
): Promise<void> =>
  warmTurns(context, pairs, {
    measure: (pair, windowMs) => measure(context, pair, shape, { warmUpMs: context.extent.clientWarmUpMs, windowMs }),
    figureOf: perCpuSecond,
    describe: (pair, window) => describe(pair, shape, window),
    seen,
  });

const megabytesPer = (window: Window, shape: Shape): number => (perCpuSecond(window) * shape.recordBytes) / 1e6;

/**
 * A window's length from the first process on: what a system that has just started, under a client just as cold, has
 * carried by then, over all the processor time that its processes have used.
 */
export async function coldThroughput(context: Context, pair: Pair): Promise<number> {
  const windowMs = context.extent.warmUpWindowMs - pair.running.startMs;
  const window = await measure(context, pair, kilobytes, { warmUpMs: 0, windowMs, countsStart: true });
  say(`just started ${describe(pair, kilobytes, window)}`);
  return megabytesPer(window, kilobytes);
}

export function coldRow(figures: Figures): Row {
  const figure = "1 KB records in 128 KiB batches, per broker CPU-second, first minute after start";
  return row(figures, { figure, unit: "MB", better: "more", target: 4 });
}

/** Records and megabytes that one second of the brokers' processor time carries, warm. */
export async function throughputFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const [large, tiny, single, memory, rate]: [Figures, Figures, Figures, Figures, Figures] = [{}, {}, {}, {}, {}];
  await warmRuns(context, pairs, kilobytes, ({ system }, window) => {
    note(large, system.name, megabytesPer(window, kilobytes));
    note(memory, system.name, window.residentBytes / 1e6);
    note(rate, system.name, (window.records * kilobytes.recordBytes) / window.seconds / 1e6);
  });
  await warmRuns(context, pairs, small, ({ system }, window) => {
    note(tiny, system.name, perCpuSecond(window) / 1000);
  });
  await warmRuns(context, pairs, unbatched, ({ system }, window) => {
    note(single, system.name, perCpuSecond(window));
  });
  const cpu = "per broker CPU-second, warm";
  return [
    row(large, {
      figure: `1 KB records in 128 KiB batches, ${cpu}`,
      unit: "MB",
      better: "more",
      target: 1.6,
    }),
    row(tiny, {
      figure: `100 B records in 128 KiB batches, ${cpu}`,
      unit: "k records",
      better: "more",
      target: 1.3,
    }),
    row(single, {
      figure: `1 KB unbatched, 10 producers × 5 in flight, ${cpu}`,
      unit: "records",
      better: "more",
      target: 5,
    }),
    row(rate, {
      figure: "1 KB records in 128 KiB batches, as fast as it goes",
      unit: "MB/s",
      better: "more",
    }),
    row(memory, {
      figure: "resident memory per broker, under load",
      unit: "MB",
      better: "less",
      target: 1 / 3,
    }),
  ];
}
