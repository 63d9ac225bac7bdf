import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import type { TailWindow } from "../tail.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";
import { warmTurns } from "./turns.ts";

const load = { topic: "tail", partitions: 6, recordBytes: 1024, rate: 1000, consumers: 10 };

const IDLE_CORES_MIN = 0.1;

/** Megabytes read for each second of processor time that the brokers use because somebody reads. */
const efficiencyOf = (window: TailWindow): number =>
  window.consumedBytesPerSecond / 1e6 / Math.max(0.001, window.withConsumersCores - window.produceCores);

/**
 * False where the difference says nothing: brokers that want more than there is do their work in larger pieces, and
 * what they use does not grow with it.
 */
const isTelling = ({ idleCores, withConsumersCores, produceCores }: TailWindow): boolean =>
  idleCores >= IDLE_CORES_MIN && withConsumersCores > produceCores;

/** What reading at the tail costs the brokers, beyond what is produced there. */
export async function tailFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const { tail } = context.client;
  if (tail === null) return [];
  const [efficiency, alone, together]: [Figures, Figures, Figures] = [{}, {}, {}];
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
      const efficiency = `${efficiencyOf(window).toFixed(1)} MB for each CPU-second more`;
      const machine = `${window.idleCores.toFixed(2)} idle`;
      return `${system.name}: ${read}, ${efficiency} (${produce} → ${both} cores, ${machine})`;
    },
    seen({ system }, window) {
      if (!isTelling(window)) return say(`${system.name}: left out, the machine has too little to spare`);
      note(efficiency, system.name, efficiencyOf(window));
      note(alone, system.name, window.produceCores);
      note(together, system.name, window.withConsumersCores);
    },
  });
  const produce = `brokers under a steady ${load.rate.toLocaleString("en-US")} records/s`;
  return [
    row(efficiency, {
      figure: `${load.consumers} consumers at the tail, per broker CPU-second that they add`,
      unit: "MB",
      better: "more",
      target: 2,
    }),
    row(alone, { figure: `${produce}, nobody reads`, unit: "cores", better: "less" }),
    row(together, { figure: `${produce}, ${load.consumers} consumers read`, unit: "cores", better: "less" }),
  ];
}
