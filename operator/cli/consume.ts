import { once } from "node:events";
import type { Consumer } from "@platformatic/kafka";
import { TidemarkError } from "#base/errors.ts";
import { endWithReader, exitWith, FAILED } from "./exit.ts";
import { formatJson, type Formatter, formatter, type ReadRecord } from "./format.ts";
import { bootstrapOf } from "./running.ts";
import { TopicReader } from "./topic-reader.ts";

export interface ConsumeOptions {
  readonly data: string;
  readonly bootstrap?: string;
  readonly from: string;
  readonly partition?: number;
  readonly count?: number;
  readonly follow?: boolean;
  readonly format: string;
  readonly json?: boolean;
}

/** Where to start in every partition. */
export type Start = "beginning" | "end" | bigint;

function startOf(text: string): Start {
  if (text === "beginning" || text === "end") return text;
  if (/^[0-9]{1,18}$/.test(text)) return BigInt(text);
  throw new TidemarkError("BAD_INPUT", `--from ${text}: it must be beginning, end or an offset`);
}

/** Prints records as they come, no faster than the reader of our output takes them. */
class Printer {
  readonly #format: Formatter;
  readonly #countMax: number;
  #count = 0;

  constructor(format: Formatter, countMax: number) {
    this.#format = format;
    this.#countMax = countMax;
  }

  get isDone(): boolean {
    return this.#count >= this.#countMax;
  }

  async print(records: readonly ReadRecord[]): Promise<void> {
    const wanted = records.slice(0, this.#countMax - this.#count);
    this.#count += wanted.length;
    if (wanted.length === 0) return;
    const isRoom = process.stdout.write(Buffer.concat(wanted.map((record) => this.#format(record))));
    if (!isRoom) await once(process.stdout, "drain");
  }
}

/** `tidemark consume`: prints the records of a topic. Ends the process. */
export async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  endWithReader();
  const brokers = bootstrapOf(options);
  const start = startOf(options.from);
  const printer = new Printer(
    options.json === true ? formatJson : formatter(options.format),
    options.count ?? Number.POSITIVE_INFINITY,
  );
  const { Consumer } = await import("@platformatic/kafka");
  const consumer: Consumer<Buffer, Buffer, Buffer, Buffer> = new Consumer({
    clientId: "tidemark-consume",
    groupId: "tidemark-consume",
    bootstrapBrokers: brokers,
    retries: 0,
    connectTimeout: 3000,
    timeout: 15_000,
  });
  // Flushes what was printed before the process ends.
  const finish = (code: number): void => void process.stdout.write("", () => process.exit(code));
  process.once("SIGINT", () => finish(0));
  process.once("SIGTERM", () => finish(0));
  const reader = new TopicReader(consumer, { topic, brokers, partition: options.partition ?? null });
  try {
    await reader.read({
      start,
      follows: options.follow === true,
      onRecords: async (records) => {
        await printer.print(records);
        return !printer.isDone;
      },
    });
  } catch (error) {
    exitWith(FAILED, error);
  }
  finish(0);
}
