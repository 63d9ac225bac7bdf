import type { ByteStream } from "../../../broker/ports/network.ts";
import type { Api } from "../../../broker/wire/api.ts";
import { correlationIdOf, decodeResponse, encodeRequest } from "../../../broker/wire/frame.ts";
import type { Draft, Infer, Shape } from "../../../broker/wire/schema.ts";
import type { SimulatedProcess } from "../world/process.ts";

interface Pending {
  readonly correlationId: number;
  readonly decode: (frame: Uint8Array) => void;
  readonly lost: () => void;
}

/** A client's connection to one broker: requests out, responses back in the order of the requests. */
export class KafkaConnection {
  isOpen = true;
  readonly #stream: ByteStream;
  readonly #process: SimulatedProcess;
  readonly #timeoutMs: number;
  readonly #onMisbehaviour: (what: string) => void;
  #pending: Pending[] = [];
  #nextCorrelationId = 1;
  #received: Uint8Array = new Uint8Array(0);

  constructor(
    process: SimulatedProcess,
    stream: ByteStream,
    options: { timeoutMs: number; onMisbehaviour: (what: string) => void },
  ) {
    this.#process = process;
    this.#stream = stream;
    this.#timeoutMs = options.timeoutMs;
    this.#onMisbehaviour = options.onMisbehaviour;
    stream.onData = (chunk) => this.#receive(chunk);
    stream.onClose = () => this.#end();
  }

  /** Calls `done` once: with the response, or with null when the connection ended first or the answer took too long. */
  send<Q extends Shape, S extends Shape>(
    api: Api<Q, S>,
    call: { version: number; body: Draft<Q> },
    done: (response: Infer<S> | null) => void,
  ): void {
    const correlationId = this.#nextCorrelationId++;
    const timer = this.#process.clock.after(this.#timeoutMs, () => this.close());
    this.#pending.push({
      correlationId,
      decode: (frame) => {
        timer.cancel();
        done(decodeResponse(api, call.version, frame).body);
      },
      lost: () => {
        timer.cancel();
        done(null);
      },
    });
    const header = { version: call.version, correlationId, clientId: this.#process.name };
    for (const chunk of encodeRequest(api, header, call.body)) this.#stream.write(chunk);
  }

  /** The response, or null as in `send`. */
  ask<Q extends Shape, S extends Shape>(api: Api<Q, S>, version: number, body: Draft<Q>): Promise<Infer<S> | null> {
    if (!this.isOpen) return Promise.resolve(null);
    return new Promise((resolve) => this.send(api, { version, body }, resolve));
  }

  close(): void {
    if (!this.isOpen) return;
    this.#stream.destroy();
    this.#end();
  }

  #end(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const pending = this.#pending;
    this.#pending = [];
    for (const { lost } of pending) lost();
  }

  #receive(chunk: Uint8Array): void {
    // The chunk is lent, and of an answer views are kept.
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4 && this.isOpen) {
      const { buffer, byteOffset, length } = this.#received;
      const sizeBytes = new DataView(buffer, byteOffset, length).getInt32(0);
      if (this.#received.length < 4 + sizeBytes) return;
      const frame = this.#received.subarray(4, 4 + sizeBytes);
      this.#received = this.#received.subarray(4 + sizeBytes);
      this.#answer(frame);
    }
  }

  #answer(frame: Uint8Array): void {
    const next = this.#pending.shift();
    if (next === undefined || next.correlationId !== correlationIdOf(frame)) {
      this.#onMisbehaviour("a response came out of order");
      return this.close();
    }
    next.decode(frame);
  }
}
