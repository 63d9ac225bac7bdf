import type { Clock } from "../base/clock.ts";
import type { Logger } from "../base/logging.ts";
import { writeAndGiveBack } from "../base/memory-pool.ts";
import type { BrokerContext } from "../handlers/context.ts";
import type { Handler } from "../handlers/handler.ts";
import type { ByteStream } from "../ports/network.ts";
import { readRequestHeaderRest, readRequestStart, type RequestStart } from "../wire/frame.ts";
import { isMalformed } from "../wire/malformed.ts";
import { Reader } from "../wire/reader.ts";
import { Answer, type AnswerOwner } from "./answers.ts";
import { FrameCutter, type FrameProblem, ownBytes } from "./frames.ts";
import type { ServerMetrics } from "./server-metrics.ts";

/** Bounds of what one connection may keep in memory. */
export interface ConnectionLimits {
  /** `socket.request.max.bytes`. */
  readonly requestBytesMax: number;
  /** Requests begun and not answered; beyond it the client is not read from. */
  readonly inFlightMax: number;
  /** Bytes of those requests; one is always allowed. */
  readonly inFlightBytesMax: number;
  /** Bytes of answers that the client has not taken. */
  readonly outputBytesMax: number;
}

export interface ConnectionShared {
  readonly broker: BrokerContext;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly limits: ConnectionLimits;
  readonly metrics: ServerMetrics;
  /** By API key. */
  readonly handlers: ReadonlyMap<number, Handler>;
  /** The answer, in version 0, to an ApiVersions request of a version that is not served. */
  readonly apiVersionsRefusal: unknown;
  onClosed(connection: Connection): void;
  /** A handler threw. The request has failed; whether the process goes on is for the composition to say. */
  onBug(error: unknown): void;
}

const PRODUCE_KEY = 0;
const API_VERSIONS_KEY = 18;
const HTTP_ANSWER =
  "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 50\r\n\r\n" +
  "This port speaks the Kafka protocol and not HTTP.\n";

/**
 * One client. Requests are begun in the order in which they came, each as soon as the one before it has returned from
 * its handler (so its appends are done), and are answered in that order. A client that does not take its answers, or
 * has too much under way, is not read from until it does.
 */
export class Connection implements AnswerOwner {
  readonly #stream: ByteStream;
  readonly #listener: string;
  readonly #remoteHost: string;
  readonly #shared: ConnectionShared;
  readonly #frames: FrameCutter;
  /** Chunks that came while nothing more was to be begun. */
  #backlog: Uint8Array[] = [];
  /** The first of them is at `#frames` already. */
  #isCutting = false;
  /** In order of requests; what lies before `#first` has left. */
  #answers: Answer[] = [];
  #first = 0;
  #inFlightBytes = 0;
  /** Bytes of ready answers that wait for an earlier one. */
  #heldBytes = 0;
  #isPaused = false;
  #isSerial = false;
  #isFlushing = false;
  #isClosing = false;
  #isGone = false;
  #idleSweeps = 0;

  constructor(stream: ByteStream, listener: string, shared: ConnectionShared) {
    this.#stream = stream;
    this.#listener = listener;
    // As Java writes an address that was never looked up, which tools show.
    this.#remoteHost = `/${stream.remote.replace(/:\d+$/, "")}`;
    this.#shared = shared;
    this.#frames = new FrameCutter(shared.limits.requestBytesMax);
    stream.onData = (chunk) => this.#receive(chunk);
    stream.onDrain = () => this.#drained();
    stream.onClose = () => this.#gone();
  }

  get remote(): string {
    return this.#stream.remote;
  }

  /** Sends what is ready, then closes. */
  close(): void {
    this.#isClosing = true;
    this.#stream.close();
  }

  /** Called at regular intervals; closes at the third in a row without any sign of life. */
  sweep(): void {
    if (this.#answers.length > this.#first && this.#answers[this.#first]?.state === "waiting") this.#idleSweeps = 0;
    else if (++this.#idleSweeps === 3) this.#stream.destroy();
  }

  #receive(chunk: Uint8Array): void {
    if (this.#isClosing) return;
    this.#idleSweeps = 0;
    this.#shared.metrics.bytesIn.add(chunk.length);
    if (this.#backlog.length > 0) {
      this.#backlog.push(ownBytes(chunk));
      return;
    }
    this.#backlog.push(chunk);
    this.#work();
    this.#keepRest();
  }

  /** The chunk is the stream's again once `onData` has returned: what could not be begun yet is copied. */
  #keepRest(): void {
    const [chunk] = this.#backlog;
    if (chunk === undefined) return;
    if (this.#isCutting) this.#frames.keep();
    else this.#backlog[0] = ownBytes(chunk);
  }

  #drained(): void {
    this.#idleSweeps = 0;
    this.#work();
  }

  /** Begins requests for as long as there are whole ones and room for them. */
  #work(): void {
    while (!this.#isClosing && this.#backlog.length > 0) {
      if (this.#isFull()) return this.#pause();
      // The head of the backlog stays there while it is being cut: a chunk that comes meanwhile queues behind it.
      if (!this.#isCutting) this.#frames.push(this.#backlog[0]!);
      this.#isCutting = true;
      const frame = this.#frames.next();
      if (frame !== null) this.#begin(frame);
      else if (this.#frames.problem !== null) return this.#refuseStream(this.#frames.problem);
      else {
        this.#backlog.shift();
        this.#isCutting = false;
      }
    }
    if (this.#isPaused && !this.#isClosing) {
      this.#isPaused = false;
      this.#stream.resume();
    }
  }

  #isFull(): boolean {
    const { limits } = this.#shared;
    const inFlight = this.#answers.length - this.#first;
    return (
      this.#isSerial ||
      inFlight >= limits.inFlightMax ||
      (inFlight > 0 && this.#inFlightBytes >= limits.inFlightBytesMax) ||
      this.#heldBytes + this.#stream.pendingBytes > limits.outputBytesMax
    );
  }

  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#stream.pause();
  }

  #begin(frame: Uint8Array): void {
    let start: RequestStart | null = null;
    try {
      const reader = new Reader(frame);
      start = readRequestStart(reader);
      this.#dispatch(start, reader);
    } catch (error) {
      if (!isMalformed(error)) throw error;
      this.#refuse("a request could not be read", {
        key: start?.apiKey,
        version: start?.apiVersion,
        why: String(error),
      });
    }
  }

  #dispatch(start: RequestStart, reader: Reader): void {
    const { apiKey: key, apiVersion: version } = start;
    const handler = this.#shared.handlers.get(key);
    if (handler === undefined) return this.#refuse("a request of an unknown kind came", { key, version });
    if (version < handler.served.min || version > handler.served.max) {
      if (key === API_VERSIONS_KEY) return this.#refuseApiVersions(handler, start);
      return this.#refuse("a request came in a version that is not served", { key, version });
    }
    const header = readRequestHeaderRest(reader, start, handler.api);
    const body = handler.api.readRequest(this.#lasting(reader, handler), version);
    const startedAtMs = this.#shared.clock.monotonic();
    const answer = this.#enqueue({ header, handler, requestBytes: reader.end, startedAtMs });
    this.#run(handler, body, answer);
  }

  /** Produce takes what it keeps within this turn; any other handler may look at its request later. */
  #lasting(reader: Reader, { api }: Handler): Reader {
    if (!this.#frames.isView || !api.hasViewsInRequest || api.key === PRODUCE_KEY) return reader;
    return new Reader(ownBytes(reader.bytes), reader.at);
  }

  #enqueue(request: { header: Answer["header"]; handler: Handler; requestBytes: number; startedAtMs: number }): Answer {
    const answer = new Answer({ ...request, listener: this.#listener, remoteHost: this.#remoteHost }, this);
    this.#answers.push(answer);
    this.#inFlightBytes += request.requestBytes;
    return answer;
  }

  #run(handler: Handler, body: unknown, answer: Answer): void {
    let running: void | Promise<void>;
    try {
      running = handler.handle(body, answer, this.#shared.broker);
    } catch (error) {
      return this.#handlerThrew(handler, error);
    }
    if (running === undefined) return;
    this.#isSerial = true;
    running
      .catch((error: unknown) => this.#handlerThrew(handler, error))
      .finally(() => {
        this.#isSerial = false;
        this.#work();
      });
  }

  /** The one request fails, and with it the connection: no answer of the request's own shape can be made up. */
  #handlerThrew(handler: Handler, error: unknown): void {
    const stack = Error.isError(error) ? error.stack : undefined;
    this.#shared.logger.error("a request failed by a bug of the broker; its connection is closed", {
      api: handler.api.name,
      remote: this.remote,
      error: String(error),
      stack,
    });
    this.#isClosing = true;
    this.#stream.destroy();
    this.#shared.onBug(error);
  }

  /** KIP-511: in the oldest version, whose shape never changes, so that any client can read which versions exist. */
  #refuseApiVersions(handler: Handler, { correlationId }: RequestStart): void {
    const header = { apiKey: API_VERSIONS_KEY, apiVersion: 0, correlationId, clientId: null };
    const startedAtMs = this.#shared.clock.monotonic();
    this.#enqueue({ header, handler, requestBytes: 0, startedAtMs }).answer(this.#shared.apiVersionsRefusal);
  }

  onFailed(answer: Answer, error: unknown): void {
    this.#handlerThrew(answer.handler, error);
  }

  onReady(answer: Answer): void {
    const { metrics, clock } = this.#shared;
    const latencyMs = clock.monotonic() - answer.startedAtMs;
    metrics.answered(answer.header.apiKey, { latencyMs, errorCode: answer.errorCode });
    for (const chunk of answer.chunks) this.#heldBytes += chunk.length;
    if (this.#isGone || this.#isFlushing || this.#answers[this.#first] !== answer) return;
    this.#isFlushing = true;
    queueMicrotask(() => this.#flush());
  }

  /** Sends every answer whose turn has come, in one write. */
  #flush(): void {
    this.#isFlushing = false;
    if (this.#isGone) return;
    this.#stream.cork();
    let isLast = false;
    while (!isLast) {
      const answer = this.#answers[this.#first];
      if (answer === undefined || answer.state === "waiting") break;
      this.#first++;
      this.#inFlightBytes -= answer.requestBytes;
      for (const chunk of answer.chunks) {
        this.#heldBytes -= chunk.length;
        this.#shared.metrics.bytesOut.add(chunk.length);
        writeAndGiveBack(this.#stream, chunk);
      }
      isLast = answer.state === "closing";
    }
    this.#compact();
    this.#stream.uncork();
    if (isLast) this.close();
    else if (this.#isPaused) this.#work();
  }

  #compact(): void {
    if (this.#first < this.#answers.length) {
      if (this.#first < 64) return;
      this.#answers = this.#answers.slice(this.#first);
    } else this.#answers.length = 0;
    this.#first = 0;
  }

  #refuseStream(problem: FrameProblem): void {
    if (problem.kind === "size") {
      const { requestBytesMax } = this.#shared.limits;
      return this.#refuse("a request was announced that is too large", {
        size: problem.size,
        sizeMax: requestBytesMax,
      });
    }
    if (problem.kind === "tls") return this.#refuse("a TLS client came to a port that speaks plain Kafka", {});
    this.#stream.write(Buffer.from(HTTP_ANSWER));
    this.#shared.metrics.refusals.add(1);
    this.#shared.logger.warn("an HTTP client came to the Kafka port; closing", { remote: this.remote });
    this.close();
  }

  #refuse(what: string, fields: Record<string, unknown>): void {
    this.#shared.metrics.refusals.add(1);
    this.#shared.logger.warn(`${what}; closing`, { remote: this.remote, ...fields });
    this.#isClosing = true;
    this.#backlog = [];
    this.#stream.destroy();
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#isClosing = true;
    this.#backlog = [];
    const open = this.#answers.slice(this.#first);
    this.#answers = [];
    this.#first = 0;
    for (const answer of open) answer.abandon();
    this.#shared.onClosed(this);
  }
}
