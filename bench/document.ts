import type { Context } from "./figures/context.ts";
import { describeMachine } from "./machine.ts";
import type { Held } from "./memory.ts";
import { type Row, tableOf } from "./report.ts";

/** Docs are written in whole paragraphs: the lines of a source file are joined. */
const paragraph = (...lines: string[]): string => lines.join(" ");

/** How each figure is measured, as far as no number of the run is in it. */
const notes: readonly string[] = [
  paragraph(
    "- Start: from the first process to the first record acknowledged with acks=all; Kafka's formatting of its",
    "storage is left out.",
  ),
  paragraph(
    "- First minute after start: records acknowledged until then, over all processor time that the processes have",
    "used since the first of them was started.",
  ),
  paragraph(
    "- Time without a leader: the longest pause between two acknowledgements of one partition, seen by a probe",
    "that sends one record every 10 ms to each of six partitions and asks every 20 ms who leads, so that no",
    "client's back-off is measured.",
  ),
  paragraph(
    "- End to end at a steady 2,000 records/s: one JVM produces 1 KB records over six partitions and reads them;",
    "from the call that produces a record until the poll that returns it, by one clock. Each record has come",
    "exactly once.",
  ),
  paragraph(
    "- At the tail: ten consumers in one JVM, each a group of its own, read what a producer sends at a steady",
    "rate; all that the brokers use meanwhile counts, and in the row below it what they use under the same produce",
    "before and after is taken off. That they read at least nine tenths of what is appended, each of it, is checked",
    "against the log ends.",
    "Runs in which the machine had less than a tenth of a core to spare are left out.",
  ),
  paragraph(
    "- Groups: brokers with `group.initial.rebalance.delay.ms` 0, and one client program in Node with a",
    "connection for each member, without timers and back-off of its own. A rebalance lasts from the first",
    "JoinGroup of a generation until the last member has its assignment from SyncGroup; when one has come,",
    "another hears of it by heartbeats, sent one after the other, before all join again. A run is 50 of each,",
    "after which every partition had one owner in the next generation; the client's own work, some milliseconds,",
    "is in the figures of both. A commit is one request with ten partitions by the only member of its group; what",
    "is stored in the end is what was committed last.",
  ),
  paragraph(
    "- Over HTTP: eight connections post to one of three brokers, which sends the records on to their leaders; as",
    "many records are in the topic afterwards as were acknowledged. Readers of events: 100 records of 100 B a",
    "second, ten at a time; the greatest memory of their broker meanwhile, less what it was before; every reader",
    "got every record, in order.",
  ),
  paragraph(
    "- Compaction: a million records of 1 KB with 50,000 keys on one replica, in segments of 64 MiB, compacted",
    "from the moment on in which the topic's `cleanup.policy` says so, until it is small enough",
    "(`log.cleaner.backoff.ms` is 200); beside it a batch of ten records every 5 ms to a topic of three replicas",
    "that the same broker leads, its time counted from when it was due.",
  ),
];

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
      "- Figures are medians (least … greatest). Load, latency, tail and commits:",
      `${extent.runs} runs of ${extent.windowMs / 1000} s for each system, by turns,`,
      `on brokers warmed until two successive runs of ${extent.warmUpWindowMs / 1000} s`,
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
    ...notes,
    "",
  ].join("\n");
}
