import { Kafka, logLevel, type Message, type Producer } from "kafkajs";
import { TidemarkError } from "#base/errors.ts";
import { FAILED, lineFor } from "./exit.ts";
import { LineCutter } from "./lines.ts";
import { Placement } from "./placement.ts";
import { amountText, StatusLine } from "./progress-line.ts";
import { bootstrapOf } from "./running.ts";

export interface ProduceOptions {
  readonly data: string;
  readonly bootstrap?: string;
  readonly keySeparator?: string;
  readonly partition?: number;
  readonly acks: string;
}

const BATCH_RECORDS_MAX = 2000;
const BATCH_BYTES_MAX = 512 * 1024;
/** What may wait for the send under way before reading stops. */
const WAITING_RECORDS_MAX = 3 * BATCH_RECORDS_MAX;
const ACKS: Readonly<Record<string, number>> = { all: -1, "1": 1, "0": 0 };
const INTERRUPTED = 130;

/** The reason inside kafkajs's wrappers, in its words. */
export function clientReason(error: unknown): string {
  let inner: unknown = error;
  while (Error.isError(inner)) {
    const next: unknown = inner.cause ?? (inner as { originalError?: unknown }).originalError;
    if (!Error.isError(next)) break;
    inner = next;
  }
  return Error.isError(inner) ? inner.message.split("\n", 1)[0]! : String(inner);
}

function toMessage(line: Buffer, options: ProduceOptions): Message {
  const separator = options.keySeparator ?? "";
  const at = separator === "" ? -1 : line.indexOf(separator);
  const place = options.partition === undefined ? {} : { partition: options.partition };
  if (at < 0) return { value: line, ...place };
  return { key: line.subarray(0, at), value: line.subarray(at + Buffer.byteLength(separator)), ...place };
}

interface Sending {
  readonly producer: Producer;
  readonly placement: Placement;
  readonly topic: string;
}

/** Sends lines in their order, a request a partition at a time, as large as what has come meanwhile. */
class LineSender {
  readonly #producer: Producer;
  readonly #placement: Placement;
  readonly #topic: string;
  readonly #options: ProduceOptions;
  readonly #waiting: Message[] = [];
  #sending: Promise<void> | null = null;
  fault: unknown = null;
  acked = 0;

  constructor({ producer, placement, topic }: Sending, options: ProduceOptions) {
    this.#producer = producer;
    this.#placement = placement;
    this.#topic = topic;
    this.#options = options;
  }

  get isFull(): boolean {
    return this.#waiting.length >= WAITING_RECORDS_MAX;
  }

  add(lines: readonly Buffer[]): void {
    for (const line of lines) this.#waiting.push(toMessage(line, this.#options));
    if (this.#waiting.length > 0) this.#sending ??= this.#run();
  }

  /** Resolves when there is room again. */
  async room(): Promise<void> {
    while (this.isFull && this.fault === null && this.#sending !== null) await this.#sending;
  }

  async drained(): Promise<void> {
    while (this.#sending !== null) await this.#sending;
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 && this.fault === null) {
      const { groups, rest } = this.#placement.split(this.#take());
      this.#waiting.unshift(...rest);
      await Promise.all(groups.map((group) => this.#send(group)));
    }
    this.#sending = null;
  }

  async #send(messages: Message[]): Promise<void> {
    try {
      await this.#producer.send({ topic: this.#topic, acks: ACKS[this.#options.acks] ?? -1, messages });
      this.acked += messages.length;
    } catch (error) {
      this.fault ??= error;
    }
  }

  #take(): Message[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#waiting) {
      bytes += (message.value?.length ?? 0) + 64;
      if (count > 0 && (bytes > BATCH_BYTES_MAX || count >= BATCH_RECORDS_MAX)) break;
      count++;
    }
    return this.#waiting.splice(0, count);
  }
}

/** `tidemark produce`: lines of standard input become records. Ends the process. */
export async function produce(topic: string, options: ProduceOptions): Promise<void> {
  const brokers = bootstrapOf(options);
  process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
  const kafka = new Kafka({
    clientId: "tidemark-produce",
    brokers,
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3000,
    retry: { initialRetryTime: 20, maxRetryTime: 500, factor: 0.2, multiplier: 2, retries: 40 },
  });
  const placement = new Placement(topic);
  const producer = kafka.producer({
    createPartitioner: placement.createPartitioner,
    idempotent: options.acks === "all",
    ...(options.acks === "all" ? { maxInFlightRequests: 1 } : {}),
    retry: { initialRetryTime: 20, maxRetryTime: 500, factor: 0.2, multiplier: 2, retries: 80 },
  });
  const sender = new LineSender({ producer, placement, topic }, options);
  const progress = new StatusLine();
  const startedAtMs = performance.now();
  const text = (): string =>
    amountText({ records: sender.acked, bytes: 0, share: null }, "acked", (performance.now() - startedAtMs) / 1000);
  let wasInterrupted = false;
  process.once("SIGINT", () => {
    wasInterrupted = true;
    process.stdin.destroy();
  });
  try {
    await connect(producer, brokers);
    await sendAll(sender, progress, text, () => wasInterrupted);
  } catch (error) {
    progress.close(text);
    process.stderr.write(`tidemark: ${lineFor(error)}\n`);
    process.exit(FAILED);
  }
  progress.close(text);
  if (sender.fault !== null) {
    const says = `${sender.acked} records were acked, later ones may not be`;
    process.stderr.write(`tidemark: topic ${topic}: ${clientReason(sender.fault)}; ${says}\n`);
    process.exit(FAILED);
  }
  await producer.disconnect().catch(() => {});
  process.exit(wasInterrupted ? INTERRUPTED : 0);
}

async function connect(producer: Producer, brokers: readonly string[]): Promise<void> {
  try {
    await producer.connect();
  } catch (cause) {
    const says = `no broker can be reached at ${brokers.join(",")} (${clientReason(cause)}); is the cluster running?`;
    throw new TidemarkError("PEER_UNREACHABLE", says, { cause });
  }
}

async function sendAll(
  sender: LineSender,
  progress: StatusLine,
  text: () => string,
  isInterrupted: () => boolean,
): Promise<void> {
  const cutter = new LineCutter();
  try {
    for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
      sender.add(cutter.push(chunk));
      progress.show(text);
      if (sender.isFull) await sender.room();
      if (sender.fault !== null) return;
    }
  } catch (error) {
    if (!isInterrupted()) throw error;
  }
  const last = cutter.end();
  if (last !== null && !isInterrupted()) sender.add([last]);
  await sender.drained();
}
