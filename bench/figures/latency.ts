import type { Row } from "../report.ts";
import { makeTopic, type RunningBroker } from "../system.ts";
import { type Context, type Figures, note, type Pair, row, say } from "./context.ts";

/** How long a produce takes at a steady rate that neither system finds hard, and one record from end to end. */
export async function latencyFigures(context: Context, pairs: readonly Pair[]): Promise<Row[]> {
  const [median, tail, endMedian, endTail]: [Figures, Figures, Figures, Figures] = [{}, {}, {}, {}];
  const seconds = Math.round(context.extent.windowMs / 1000);
  const warmUpSeconds = Math.round(context.extent.clientWarmUpMs / 1000);
  for (const { running } of pairs) {
    await makeTopic(running.brokers[0] as RunningBroker, { name: "steady", partitions: 6 });
    await makeTopic(running.brokers[0] as RunningBroker, { name: "end-to-end", partitions: 1 });
  }
  for (let run = 0; run < context.extent.runs; run++) {
    for (const { system, running } of pairs) {
      const steady = { topic: "steady", recordBytes: 1024, rate: 4000, warmUpSeconds, seconds };
      const produce = await context.client.latency(running, steady);
      const end = await context.client.endToEnd(running, { topic: "end-to-end", recordBytes: 1024, records: 2000 });
      const steadily = `4,000/s p50 ${produce.p50} ms, p99 ${produce.p99} ms`;
      say(`${system.name}: ${steadily}; end to end p50 ${end.p50} ms, p99 ${end.p99} ms`);
      note(median, system.name, produce.p50);
      note(tail, system.name, produce.p99);
      note(endMedian, system.name, end.p50);
      note(endTail, system.name, end.p99);
    }
  }
  return [
    row(median, { figure: "produce at a steady 4,000 records/s, p50", unit: "ms", better: "less", target: 1 }),
    row(tail, { figure: "produce at a steady 4,000 records/s, p99", unit: "ms", better: "less", target: 0.5 }),
    row(endMedian, { figure: "end to end, one record at a time, p50", unit: "ms", better: "less" }),
    row(endTail, { figure: "end to end, one record at a time, p99", unit: "ms", better: "less" }),
  ];
}
