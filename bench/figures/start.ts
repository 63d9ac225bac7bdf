import { residentBytes, sleep } from "../machine.ts";
import type { Row } from "../report.ts";
import { type Context, type Figures, note, row, say, withSystem } from "./context.ts";

/** How long three brokers take from nothing to the first acknowledged record, and what they hold when idle. */
export async function startFigures(context: Context): Promise<Row[]> {
  const starts: Figures = {};
  const memory: Figures = {};
  for (let run = 0; run < context.extent.runs; run++) {
    for (const system of context.systems) {
      await withSystem(system, { restartsBrokers: true }, async (running) => {
        await sleep(5000);
        const megabytes = running.brokers.map((broker) => residentBytes(broker.pid) / 1e6);
        const mean = megabytes.reduce((sum, value) => sum + value, 0) / megabytes.length;
        say(`${system.name}: usable in ${Math.round(running.startMs)} ms, idle ${Math.round(mean)} MB a broker`);
        note(starts, system.name, running.startMs);
        note(memory, system.name, mean);
      });
    }
  }
  return [
    row(starts, {
      figure: "start of 3 brokers, nothing → first acked record",
      unit: "ms",
      better: "less",
      target: 0.2,
    }),
    row(memory, { figure: "resident memory per broker, idle", unit: "MB", better: "less", target: 0.25 }),
  ];
}
