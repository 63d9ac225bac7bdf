import { once } from "node:events";
import { TidemarkError } from "#base/errors.ts";
import { reroute } from "../adapters/kubernetes/dial.ts";
import { type BrokerAccess, brokerAccess, type ClientOptions } from "./broker-access.ts";
import { endWithReader, exitWith, FAILED, INTERRUPTED } from "./exit.ts";
import { type Encoding, type Formatter, formatter, type ReadRecord } from "./format.ts";
import { GroupReader } from "./group-reader.ts";
import { amountText, StatusLine } from "./progress-line.ts";
import { offsetStart, type Start, timeStart } from "./start.ts";
import { type Cursor, type ReadingClient, TopicReader } from "./topic-reader.ts";

export interface ConsumeOptions extends ClientOptions {
  readonly group?: string;
  readonly offset?: string;
  /** Another name of `offset`. */
  readonly from?: string;
  readonly fromTime?: string;
  readonly partition?: number;
  readonly max?: number;
  /** Another name of `max`. */
  readonly count?: number;
  readonly follow?: boolean;
  readonly untilEnd?: boolean;
  readonly format: string;
  readonly json?: boolean;
  readonly keyEncoding?: Encoding;
  readonly valueEncoding?: Encoding;
}

const CLOSE_MS_MAX = 3000;

function startOf({ offset, from, fromTime }: ConsumeOptions): Start {
  if (fromTime !== undefined) return timeStart(fromTime, Date.now());
  return from === undefined ? offsetStart(offset ?? "beginning", "--offset") : offsetStart(from, "--from");
}

/** A group decides where its members read; it can only be told where to begin when it has committed nothing. */
function checkGroup(options: ConsumeOptions, start: Start): void {
  if (options.group === undefined) return;
  if (!/^\S+$/.test(options.group)) throw new TidemarkError("BAD_INPUT", "--group needs a name without spaces");
  const refused = (what: string): TidemarkError => new TidemarkError("BAD_INPUT", `${what} does not go with --group`);
  if (options.partition !== undefined) throw refused("--partition");
  if (start.kind === "beginning" || start.kind === "end") return;
  throw new TidemarkError("BAD_INPUT", "with --group only beginning and end; `tidemark groups reset` has the others");
}

/** Prints records as they come, no faster than the reader of our output takes them. */
class Printer {
  readonly #format: Formatter;
  readonly #recordsMax: number;
  readonly #startedAtMs = performance.now();
  readonly #line = new StatusLine();
  records = 0;
  bytes = 0;
  /** How many there are to print; null when nobody knows. */
  total: number | null = null;

  constructor(format: Formatter, recordsMax: number) {
    this.#format = format;
    this.#recordsMax = recordsMax;
  }

  get isDone(): boolean {
    return this.records >= this.#recordsMax;
  }

  /** How many of them were printed. */
  async print(records: readonly ReadRecord[]): Promise<number> {
    const wanted = records.slice(0, this.#recordsMax - this.records);
    if (wanted.length === 0) return 0;
    const text = Buffer.concat(wanted.map((record) => this.#format(record)));
    this.records += wanted.length;
    this.bytes += text.length;
    const isRoom = process.stdout.write(text);
    // On a terminal the records themselves are the progress.
    if (!process.stdout.isTTY) this.#line.show(() => this.text());
    if (!isRoom) await once(process.stdout, "drain");
    return wanted.length;
  }

  text(): string {
    const share = this.total === null || this.total === 0 ? null : Math.min(1, this.records / this.total);
    const amount = { records: this.records, bytes: this.bytes, share };
    return amountText(amount, "read", (performance.now() - this.#startedAtMs) / 1000);
  }

  /** @param isTold  Whether to say how much it was where nobody watches, too. */
  end(isTold: boolean): void {
    if (!process.stdout.isTTY) this.#line.close(() => this.text());
    if (isTold && (process.stdout.isTTY || !process.stderr.isTTY)) process.stderr.write(`${this.text()}\n`);
  }
}

/** `tidemark consume`: prints the records of a topic. Ends the process. */
export async function consume(topic: string, options: ConsumeOptions): Promise<void> {
  endWithReader();
  const start = startOf(options);
  checkGroup(options, start);
  const encodings = { key: options.keyEncoding ?? "utf8", value: options.valueEncoding ?? "utf8" } as const;
  const format = formatter(options.json === true ? "json" : options.format, encodings);
  const printer = new Printer(format, options.max ?? options.count ?? Number.POSITIVE_INFINITY);
  const access = await brokerAccess(options);
  const client = await clientOf(access, options.group);
  const stop = { isAsked: false };
  onSignals(stop);
  const reading = new Reading(client, { topic, from: access.name, start, printer, stop }, options);
  try {
    await reading.run();
  } catch (error) {
    printer.end(false);
    await closed(client);
    exitWith(FAILED, error);
  }
  printer.end(stop.isAsked);
  await closed(client);
  // Flushes what was printed before the process ends.
  process.stdout.write("", () => process.exit(0));
}

/** Asked once, the command ends in good order; asked twice, at once. */
function onSignals(stop: { isAsked: boolean }): void {
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stop.isAsked) process.exit(INTERRUPTED);
      stop.isAsked = true;
    });
  }
}

async function clientOf({ brokers, dial }: BrokerAccess, group: string | undefined): Promise<ReadingClient> {
  const { Consumer } = await import("@platformatic/kafka");
  const client: ReadingClient = new Consumer({
    clientId: "tidemark-consume",
    groupId: group ?? "tidemark-consume",
    bootstrapBrokers: [...brokers],
    retries: 0,
    connectTimeout: 3000,
    timeout: 15_000,
  });
  reroute(client.connections, dial);
  return client;
}

/** Leaves the group; a broker that does not answer is not waited for: the session ends by itself. */
async function closed(client: ReadingClient): Promise<void> {
  const limit = new Promise<void>((resolve) => setTimeout(resolve, CLOSE_MS_MAX).unref());
  await Promise.race([client.close(true).catch(() => {}), limit]);
}

interface What {
  readonly topic: string;
  /** Whom it is read from, for messages. */
  readonly from: string;
  readonly start: Start;
  readonly printer: Printer;
  readonly stop: { readonly isAsked: boolean };
}

/** One run of the command, alone or as a member of a group. */
class Reading {
  readonly #client: ReadingClient;
  readonly #what: What;
  readonly #options: ConsumeOptions;
  readonly #reader: TopicReader;

  constructor(client: ReadingClient, what: What, options: ConsumeOptions) {
    this.#client = client;
    this.#what = what;
    this.#options = options;
    this.#reader = new TopicReader(client, what);
  }

  run(): Promise<void> {
    return this.#options.group === undefined ? this.#alone() : this.#inGroup(this.#options.group);
  }

  /** Up to the ends as of the start, unless it is to follow. */
  async #alone(): Promise<void> {
    const { start, printer } = this.#what;
    const { partition = null, follow = false } = this.#options;
    const cursors = await this.#reader.cursors(start, { partition, follows: follow });
    if (!follow) printer.total = recordsIn(cursors);
    await this.#reader.read(cursors, {
      isOver: () => this.#isOver,
      onRecords: async (records) => void (await printer.print(records)),
    });
  }

  /** A member goes on until it is stopped, unless it is to end at the ends. */
  async #inGroup(group: string): Promise<void> {
    const { topic, start, printer } = this.#what;
    const follows = this.#options.untilEnd !== true;
    const reader = new GroupReader(this.#client, this.#reader, { topic, group, start, follows });
    await reader.read({
      isOver: () => this.#isOver,
      onRecords: async (records, next) => {
        const count = await printer.print(records);
        return count === records.length ? next : (records[count]?.offset ?? next);
      },
    });
  }

  get #isOver(): boolean {
    return this.#what.stop.isAsked || this.#what.printer.isDone;
  }
}

/** As far as offsets tell: of a compacted topic it is more than there is. */
function recordsIn(cursors: readonly Cursor[]): number {
  let sum = 0;
  for (const { next, end } of cursors) sum += Math.max(0, Number((end ?? next) - next));
  return sum;
}
