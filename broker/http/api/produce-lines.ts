import type { ServerResponse } from "node:http";
import { LineCutter } from "../../base/line-cutter.ts";
import type { TopicRow } from "../../contract/rows.ts";
import { OVER_BUDGET } from "./body.ts";
import type { Exchange, Reply } from "./exchange.ts";
import type { Gateway } from "./gateway.ts";
import { isFault } from "./incoming-record.ts";
import { type Format, NDJSON_TYPE, ndjsonProblem } from "./media-types.ts";
import { type Sheet, sheetOf } from "./produce-pages.ts";
import { formatIn } from "./read-query.ts";
import { recordOfLine } from "./record-line.ts";
import { isRefusal, KAFKA_ERROR, KAFKA_RETRIABLE_ERROR, Refusal, tryAgain, unprocessable } from "./refusal.ts";
import { topicToWrite } from "./topics.ts";

const LINE_BYTES_MAX = 2 * 1024 * 1024;
/** What is sent to the leaders at once, at most. */
const DRAFT_RECORDS_MAX = 1000;
const DRAFT_BYTES_MAX = 512 * 1024;

/**
 * Appends lines of JSON for as long as they come. No more is read from the client before what it sent was appended, and
 * its answer taken. The answer has a line for each batch: partition, offset of the first record, number of records, in
 * the order of the records of each partition.
 */
export async function produceLines(gateway: Gateway, exchange: Exchange): Promise<Reply> {
  const { headers } = exchange.request;
  const types = { contentType: headers["content-type"], contentEncoding: headers["content-encoding"] };
  const problem = ndjsonProblem(types);
  if (problem !== null) return problem;
  const format = formatIn(exchange.query, ["format"]);
  if (isRefusal(format)) return format;
  const topic = await topicToWrite(gateway.broker, exchange.params["topic"]!);
  if (isRefusal(topic)) return topic;
  const intake = new LineIntake(gateway, exchange.response, { topic, format });
  const refused = await intake.run(exchange.request);
  return refused === null ? null : intake.refuse(refused);
}

class LineIntake {
  readonly #gateway: Gateway;
  readonly #response: ServerResponse;
  readonly #topic: TopicRow;
  readonly #format: Format;
  readonly #cutter = new LineCutter();
  #sheet: Sheet | null = null;
  #lineNumber = 0;
  /** Of the budget. */
  #heldBytes = 0;

  constructor(gateway: Gateway, response: ServerResponse, { topic, format }: { topic: TopicRow; format: Format }) {
    this.#gateway = gateway;
    this.#response = response;
    this.#topic = topic;
    this.#format = format;
  }

  /** Null when all is done, or the client is gone. */
  async run(request: Exchange["request"]): Promise<Refusal | null> {
    try {
      for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        if (!this.#gateway.budget.take(chunk.length)) return tryAgain(OVER_BUDGET);
        this.#heldBytes += chunk.length;
        this.#gateway.metrics.bytesIn.add(chunk.length);
        const refused = await this.#take(this.#cutter.push(chunk));
        if (refused !== null) return refused;
      }
      const refused = await this.#take(this.#cutter.end());
      if (refused !== null) return refused;
    } catch (error) {
      if (request.destroyed && !request.complete) return null;
      throw error;
    } finally {
      this.#gateway.budget.giveBack(this.#heldBytes);
    }
    if (!this.#response.headersSent) this.#begin();
    this.#response.end();
    return null;
  }

  /** As the whole answer, or as its last line when there are others before it. */
  refuse(refusal: Refusal): Reply {
    if (!this.#response.headersSent) return refusal;
    this.#response.end(`${JSON.stringify(refusal.body)}\n`);
    return null;
  }

  async #take(lines: Generator<Buffer>): Promise<Refusal | null> {
    for (const line of lines) {
      this.#lineNumber++;
      const refused = this.#put(line);
      const isFull = this.#sheet !== null && isLarge(this.#sheet);
      // The lines before one at fault are good: they are appended, and answered, first.
      const stopped = refused !== null || isFull ? await this.#flush() : null;
      if (refused !== null || stopped !== null) return stopped ?? refused;
    }
    if (this.#cutter.restBytes > LINE_BYTES_MAX) return this.#tooLong();
    const stopped = await this.#flush();
    this.#gateway.budget.giveBack(this.#heldBytes - this.#cutter.restBytes);
    this.#heldBytes = this.#cutter.restBytes;
    return stopped;
  }

  #put(line: Buffer): Refusal | null {
    if (isBlank(line)) return null;
    if (line.length > LINE_BYTES_MAX) return this.#tooLong();
    const record = recordOfLine(line, this.#format);
    if (isFault(record)) return unprocessable(`line ${this.#lineNumber}: ${record.says}`);
    this.#sheet ??= sheetOf(this.#gateway, this.#topic, null);
    const refused = this.#sheet.put(record);
    if (refused === null) return null;
    return new Refusal(refused, `line ${this.#lineNumber}: ${refused.message}`);
  }

  #tooLong(): Refusal {
    return new Refusal({ status: 413 }, `line ${this.#lineNumber + 1}: is longer than ${LINE_BYTES_MAX} bytes`);
  }

  /** Sends what was put down, and answers it. A refusal when some of it failed: nothing after it is taken. */
  async #flush(): Promise<Refusal | null> {
    if (this.#sheet === null) return null;
    const { draft } = this.#sheet;
    this.#sheet = null;
    const outcomes = await this.#gateway.producer.send(this.#topic, draft);
    let text = "";
    let failure: Refusal | null = null;
    for (const [partition, batches] of draft.batches) {
      for (const batch of batches) {
        const outcome = outcomes.get(batch)!;
        const at = { partition, count: batch.count };
        if (outcome.kind === "appended") {
          this.#gateway.metrics.recordsIn.add(batch.count);
          text += `${JSON.stringify({ partition, offset: outcome.baseOffset, count: batch.count })}\n`;
          continue;
        }
        const errorCode = outcome.isRetriable ? KAFKA_RETRIABLE_ERROR : KAFKA_ERROR;
        text += `${JSON.stringify({ ...at, error_code: errorCode, error: outcome.message })}\n`;
        const stopped = `stopped at line ${this.#lineNumber}: records failed, see above`;
        failure = new Refusal({ status: 500, errorCode }, stopped);
      }
    }
    await this.#answer(text);
    return failure;
  }

  /** Resolves when the client has taken it, or is gone. */
  async #answer(text: string): Promise<void> {
    const response = this.#response;
    if (!response.headersSent) this.#begin();
    if (response.write(text) || response.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off("drain", done);
        response.off("close", done);
        resolve();
      };
      response.on("drain", done);
      response.on("close", done);
    });
  }

  #begin(): void {
    this.#response.writeHead(200, { "content-type": NDJSON_TYPE, "cache-control": "no-store" });
  }
}

const isLarge = ({ draft }: Sheet): boolean => draft.count >= DRAFT_RECORDS_MAX || draft.sizeBytes >= DRAFT_BYTES_MAX;

/** A line of nothing keeps the connection alive. */
const isBlank = (line: Buffer): boolean =>
  line.length === 0 || (line.length < 64 && line.toString("latin1").trim() === "");
