import { cpuSeconds, nowMs, sleep } from "../machine.ts";
import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import { type Context, type Figures, note, row, say, withSystem } from "./context.ts";

/** What a broker that holds 1,000 partitions uses while nobody asks anything of it. */
export async function idleFigures(context: Context): Promise<Row[]> {
  const figures: Figures = {};
  for (const system of context.systems) {
    await withSystem(system, { restartsBrokers: true }, async (running) => {
      await makeTopic(running.brokers[0] as RunningBroker, { name: "many", partitions: 1000 });
      await sleep(context.extent.clientWarmUpMs * 2);
      const [cpu, startMs] = [cpuSeconds(running.brokers.map((broker) => broker.pid)), nowMs()];
      await sleep(Math.max(20_000, context.extent.windowMs / 2));
      const used = cpuSeconds(running.brokers.map((broker) => broker.pid)) - cpu;
      const percent = (used / running.brokers.length / ((nowMs() - startMs) / 1000)) * 100;
      say(`${system.name}: an idle broker of 1,000 partitions uses ${percent.toFixed(2)} % of a core`);
      note(figures, system.name, percent);
    });
  }
  return [
    row(figures, { figure: "an idle broker of 1,000 partitions", unit: "% of a core", better: "less", limit: 1 }),
  ];
}
