import type { Context } from "./figures/context.ts";
import { describeMachine } from "./machine.ts";
import type { Held } from "./memory.ts";
import { type Row, tableOf } from "./report.ts";

/** Docs are written in whole paragraphs: the lines of a source file are joined. */
const paragraph = (...lines: string[]): string => lines.join(" ");

export interface Told {
  readonly rows: readonly Row[];
  readonly held: Held;
  readonly minutes: number;
}

/** The page of a whole bench. */
export function documentOf({ extent, client }: Context, { rows, held, minutes }: Told): string {
  const date = new Date().toISOString().slice(0, 10);
  return [
    "# Benchmarks",
    `Written by \`make bench\` on ${date}: ${describeMachine()}. It took ${minutes} minutes.`,
    "",
    paragraph(
      "Three brokers, replication factor 3, acks=all, min.insync.replicas 2, on one machine together with the client.",
      "Only ratios of one run on one machine mean anything: run it on yours.",
    ),
    "",
    tableOf(rows),
    "",
    paragraph(
      `- Figures are medians (least … greatest). Load and latency: ${extent.runs} runs of ${extent.windowMs / 1000} s`,
      `for each system, by turns, on brokers warmed until two successive runs of ${extent.warmUpWindowMs / 1000} s`,
      `differed by less than 10 % (at most ${extent.warmUpRunsMax} runs); the first`,
      `${extent.clientWarmUpMs / 1000} s of a client are left out.`,
    ),
    paragraph(
      `- Both systems run with their own defaults under the same client programs: ${client.name};`,
      "idempotence and compression as the client has them by default (on, none).",
    ),
    paragraph(
      "- CPU-seconds are user and system time of all broker processes; Tidemark's controller process counts as one",
      "of them, because Kafka's controllers are in its brokers. Kafka: three nodes, each broker and controller,",
      "1 GiB heaps.",
    ),
    paragraph(
      `- Memory: ${held.says}. A page fault of the hypervisor's would count as work of whoever writes to a file;`,
      "where they are counted, both systems spend most of their time on them.",
    ),
    paragraph(
      "- Start: from the first process to the first record acknowledged with acks=all; Kafka's formatting of its",
      "storage is left out.",
    ),
    paragraph(
      "- First minute after start: records acknowledged until then, over all processor time that the processes have",
      "used since the first of them was started.",
    ),
    paragraph(
      "- Time without a leader: the longest pause between two acknowledgements of one partition, seen by a probe that",
      "sends one record every 10 ms to each of six partitions and asks every 20 ms who leads, so that no client's",
      "back-off is measured.",
    ),
    "",
  ].join("\n");
}
