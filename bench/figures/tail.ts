import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import type { TailWindow } from "../tail.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";
import { warmTurns } from "./turns.ts";

const load = { topic: "tail", partitions: 6, recordBytes: 1024, rate: 1000, consumers: 10 };

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

/** What reading at the tail costs the brokers, with what is produced there and beyond it. */
export async function tailFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const { tail } = context.client;
  if (tail === null) return [];
  const [efficiency, added, alone, together]: [Figures, Figures, Figures, Figures] = [{}, {}, {}, {}];
  for (const { running } of pairs) {
    await makeTopic(running.brokers[0] as RunningBroker, { name: load.topic, partitions: load.partitions });
  }
  const warmUpMs = context.extent.clientWarmUpMs;
  await warmTurns<TailWindow>(context, pairs, {
    measure: ({ running }, windowMs) => tail(running, { ...load, warmUpMs, windowMs }),
    figureOf: efficiencyOf,
    describe({ system }, window) {
      const [produce, both] = [window.produceCores.toFixed(3), window.withConsumersCores.toFixed(3)];
      const read = `${(window.consumedBytesPerSecond / 1e6).toFixed(1)} MB/s read at the tail`;
      const whole = `${efficiencyOf(window).toFixed(1)} MB per broker CPU-second`;
      const part = `${addedEfficiencyOf(window).toFixed(1)} for each more`;
      const machine = `${window.idleCores.toFixed(2)} idle`;
      return `${system.name}: ${read}, ${whole}, ${part} (${produce} → ${both} cores, ${machine})`;
    },
    seen({ system }, window) {
      if (!isTelling(window)) return say(`${system.name}: left out, the machine has too little to spare`);
      note(efficiency, system.name, efficiencyOf(window));
      note(added, system.name, addedEfficiencyOf(window));
      note(alone, system.name, window.produceCores);
      note(together, system.name, window.withConsumersCores);
    },
  });
  const rate = `${load.rate.toLocaleString("en-US")} records/s`;
  const produce = `brokers under a steady ${rate}`;
  return [
    row(efficiency, {
      figure: `${load.consumers} consumers at the tail of ${rate}, per broker CPU-second`,
      unit: "MB",
      better: "more",
      target: 2,
    }),
    row(added, { figure: "the same, per CPU-second that the consumers add", unit: "MB", better: "more" }),
    row(alone, { figure: `${produce}, nobody reads`, unit: "cores", better: "less" }),
    row(together, { figure: `${produce}, ${load.consumers} consumers read`, unit: "cores", better: "less" }),
  ];
}
