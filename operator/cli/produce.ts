import type { Readable } from "node:stream";
import { Kafka, logLevel, type Message, type Producer } from "kafkajs";
import { TidemarkError } from "#base/errors.ts";
import { socketFactoryOf } from "../adapters/kubernetes/dial.ts";
import { openToRead } from "../adapters/process/local-files.ts";
import { type BrokerAccess, brokerAccess, type ClientOptions } from "./broker-access.ts";
import { codecOf } from "./codecs.ts";
import type { CodecName } from "./command-options.ts";
import { FAILED, INTERRUPTED, lineFor } from "./exit.ts";
import { InputLines } from "./lines.ts";
import { Placement } from "./placement.ts";
import { type LineReader, lineReader, type RecordOptions } from "./produce-records.ts";
import { amountText, StatusLine } from "./progress-line.ts";
import { RecordSender } from "./record-sender.ts";

export interface ProduceOptions extends RecordOptions, ClientOptions {
  readonly acks: string;
  readonly compression: CodecName;
}

const ACKS: Readonly<Record<string, number>> = { all: -1, "1": 1, "0": 0 };

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

/** `tidemark produce`: lines of files, or of standard input, become records. Ends the process. */
export async function produce(topic: string, files: readonly string[], options: ProduceOptions): Promise<void> {
  const read = lineReader(options);
  const inputs = files.length === 0 ? [STANDARD_INPUT] : files.map(openedFile);
  const placement = new Placement(topic);
  const access = await brokerAccess(options);
  const producer = producerOf(access, placement, options.acks);
  const [acks, compression] = [ACKS[options.acks] ?? -1, await codecOf(options.compression)];
  const sender = new RecordSender({ producer, placement, topic, acks, compression });
  const feed = new Feed(inputs, sender, read);
  process.once("SIGINT", () => feed.interrupt());
  try {
    await connect(producer, access.name);
    await feed.run();
  } catch (error) {
    await sender.drained();
    feed.end();
    const safe = feed.isStarted ? `; ${ackedText(sender)}` : "";
    process.stderr.write(`tidemark: ${lineFor(error)}${safe}\n`);
    process.exit(FAILED);
  }
  feed.end();
  if (sender.fault !== null) {
    const says = `${sender.acked} records were acked, later ones may not be`;
    process.stderr.write(`tidemark: topic ${topic}: ${clientReason(sender.fault)}; ${says}\n`);
    process.exit(FAILED);
  }
  await producer.disconnect().catch(() => {});
  process.exit(feed.wasInterrupted ? INTERRUPTED : 0);
}

function ackedText({ acked, taken, fault }: RecordSender): string {
  const all = acked === taken ? `the ${acked} records before it were acked` : `${acked} records were acked`;
  return fault === null ? all : `${all}, later ones may not be`;
}

function producerOf({ brokers, dial }: BrokerAccess, placement: Placement, acks: string): Producer {
  process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
  const kafka = new Kafka({
    clientId: "tidemark-produce",
    brokers: [...brokers],
    ...(dial === null ? {} : { socketFactory: socketFactoryOf(dial) }),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3000,
    retry: { initialRetryTime: 20, maxRetryTime: 500, factor: 0.2, multiplier: 2, retries: 40 },
  });
  return kafka.producer({
    createPartitioner: placement.createPartitioner,
    idempotent: acks === "all",
    ...(acks === "all" ? { maxInFlightRequests: 1 } : {}),
    retry: { initialRetryTime: 20, maxRetryTime: 500, factor: 0.2, multiplier: 2, retries: 80 },
  });
}

async function connect(producer: Producer, name: string): Promise<void> {
  try {
    await producer.connect();
  } catch (cause) {
    const says = `no broker can be reached at ${name} (${clientReason(cause)}); is the cluster running?`;
    throw new TidemarkError("PEER_UNREACHABLE", says, { cause });
  }
}

/** Something to read lines from. */
interface Input {
  readonly name: string;
  readonly stream: Readable;
  /** Null of what has no end that is known: pipes. */
  readonly sizeBytes: number | null;
}

const STANDARD_INPUT: Input = {
  name: "standard input",
  get stream() {
    return process.stdin;
  },
  sizeBytes: null,
};

const openedFile = (name: string): Input => ({ name, ...openToRead(name) });

/** Inputs one after another into the sender, no faster than it takes them. */
class Feed {
  readonly #inputs: readonly Input[];
  readonly #sender: RecordSender;
  readonly #read: LineReader;
  readonly #totalBytes: number | null;
  readonly #line = new StatusLine();
  #startedAtMs = performance.now();
  #readBytes = 0;
  isStarted = false;
  wasInterrupted = false;

  constructor(inputs: readonly Input[], sender: RecordSender, read: LineReader) {
    this.#inputs = inputs;
    this.#sender = sender;
    this.#read = read;
    const sizes = inputs.map(({ sizeBytes }) => sizeBytes);
    this.#totalBytes = sizes.includes(null) ? null : sizes.reduce<number>((sum, size) => sum + (size ?? 0), 0);
  }

  /** What was read is sent, and nothing more is read. */
  interrupt(): void {
    this.wasInterrupted = true;
    for (const { stream } of this.#inputs) stream.destroy();
  }

  async run(): Promise<void> {
    this.isStarted = true;
    this.#startedAtMs = performance.now();
    for (const input of this.#inputs) {
      if (this.wasInterrupted || this.#sender.fault !== null) break;
      await this.#drain(input);
    }
    await this.#sender.drained();
  }

  end(): void {
    this.#line.close(() => this.#text());
  }

  async #drain({ name, stream }: Input): Promise<void> {
    const lines = new InputLines(name);
    let count = 0;
    const add = (line: Buffer): void => {
      count++;
      this.#sender.add(this.#recordOf(line, `${name}:${count}`));
    };
    try {
      for await (const chunk of stream as AsyncIterable<Buffer>) {
        this.#readBytes += chunk.length;
        for (const line of lines.push(chunk)) add(line);
        this.#line.show(() => this.#text());
        if (this.#sender.isFull) await this.#sender.room();
        if (this.#sender.fault !== null) return;
      }
    } catch (error) {
      if (!this.wasInterrupted) throw error;
    }
    const last = lines.end();
    if (last !== null && !this.wasInterrupted) add(last);
  }

  #recordOf(line: Buffer, place: string): Message {
    try {
      return this.#read(line);
    } catch (cause) {
      throw new TidemarkError("BAD_INPUT", `${place}: ${lineFor(cause)}`, { cause });
    }
  }

  #text(): string {
    const { acked: records, ackedBytes: bytes, taken } = this.#sender;
    // What was read, less what waits to be acknowledged.
    const done = (this.#readBytes * records) / Math.max(1, taken);
    const share = this.#totalBytes === null ? null : this.#totalBytes === 0 ? 1 : done / this.#totalBytes;
    return amountText({ records, bytes, share }, "acked", (performance.now() - this.#startedAtMs) / 1000);
  }
}
