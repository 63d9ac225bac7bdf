import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import type { TailWindow } from "../tail.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";
import { warmTurns } from "./turns.ts";

const load = { topic: "tail", partitions: 6, recordBytes: 1024, consumers: 10 };
/** Records a second: so few that the brokers mostly sleep. */
const QUIET_RATE = 1000;
/** About what two cores take with such clients on them; where a system takes less, less is read. */
const BUSY_RATE = 5000;

const IDLE_CORES_MIN = 0.1;

/** Megabytes read for each second of processor time of the brokers, what is produced meanwhile included. */
const efficiencyOf = (window: TailWindow): number => window.consumedBytesPerSecond / 1e6 / window.withConsumersCores;

/** The same for each second that they use because somebody reads. */
const addedEfficiencyOf = (window: TailWindow): number =>
  window.consumedBytesPerSecond / 1e6 / Math.max(0.001, window.withConsumersCores - window.produceCores);

/**
 * False where the difference says nothing: brokers that want more than there is do their work in larger pieces, and
 * what they use does not grow with it.
 */
const isTelling = ({ idleCores, withConsumersCores, produceCores }: TailWindow): boolean =>
  idleCores >= IDLE_CORES_MIN && withConsumersCores > produceCores;

function describe({ system }: Pair, window: TailWindow): string {
  const [produce, both] = [window.produceCores.toFixed(3), window.withConsumersCores.toFixed(3)];
  const read = `${(window.consumedBytesPerSecond / 1e6).toFixed(1)} MB/s read at the tail`;
  const whole = `${efficiencyOf(window).toFixed(1)} MB per broker CPU-second`;
  const part = `${addedEfficiencyOf(window).toFixed(1)} for each more`;
  const machine = `${window.idleCores.toFixed(2)} idle`;
  return `${system.name}: ${read}, ${whole}, ${part} (${produce} → ${both} cores, ${machine})`;
}

type MeasureTail = NonNullable<Context["client"]["tail"]>;

/** Runs of one rate by turns, after those that warm up; `seen` is told of each that counts. */
async function atRate(
  context: Context,
  pairs: readonly Pair[],
  on: { tail: MeasureTail; rate: number; seen(pair: Pair, window: TailWindow): void },
): Promise<void> {
  const { tail, rate, seen } = on;
  const warmUpMs = context.extent.clientWarmUpMs;
  await warmTurns<TailWindow>(context, pairs, {
    measure: ({ running }, windowMs) => tail(running, { ...load, rate, warmUpMs, windowMs }),
    figureOf: efficiencyOf,
    describe,
    seen,
  });
}

/** What reading at the tail costs the brokers, with what is produced there and beyond it. */
export async function tailFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const { tail } = context.client;
  if (tail === null) return [];
  const [busy, read, efficiency, added]: [Figures, Figures, Figures, Figures] = [{}, {}, {}, {}];
  const [alone, together]: [Figures, Figures] = [{}, {}];
  for (const { running } of pairs) {
    await makeTopic(running.brokers[0] as RunningBroker, { name: load.topic, partitions: load.partitions });
  }
  await atRate(context, pairs, {
    tail,
    rate: BUSY_RATE,
    seen({ system }, window) {
      note(busy, system.name, efficiencyOf(window));
      note(read, system.name, window.consumedBytesPerSecond / 1e6);
    },
  });
  await atRate(context, pairs, {
    tail,
    rate: QUIET_RATE,
    seen({ system }, window) {
      if (!isTelling(window)) return say(`${system.name}: left out, the machine has too little to spare`);
      note(efficiency, system.name, efficiencyOf(window));
      note(added, system.name, addedEfficiencyOf(window));
      note(alone, system.name, window.produceCores);
      note(together, system.name, window.withConsumersCores);
    },
  });
  const few = `${QUIET_RATE.toLocaleString("en-US")} records/s`;
  const many = `${BUSY_RATE.toLocaleString("en-US")} records/s`;
  const produce = `brokers under a steady ${few}`;
  const each = "per broker CPU-second";
  return [
    row(busy, {
      figure: `${load.consumers} consumers at the tail of up to ${many}, ${each}`,
      unit: "MB",
      better: "more",
      target: 2,
    }),
    row(read, { figure: "what they read", unit: "MB/s", better: "more" }),
    row(efficiency, {
      figure: `${load.consumers} consumers at the tail of ${few}, ${each}`,
      unit: "MB",
      better: "more",
    }),
    row(added, { figure: "the same, per CPU-second that the consumers add", unit: "MB", better: "more" }),
    row(alone, { figure: `${produce}, nobody reads`, unit: "cores", better: "less" }),
    row(together, { figure: `${produce}, ${load.consumers} consumers read`, unit: "cores", better: "less" }),
  ];
}
