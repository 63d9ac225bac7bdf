import type { ByteStream } from "../ports/network.ts";
import type { Api } from "../wire/api.ts";
import { decodeResponse, encodeRequest } from "../wire/frame.ts";
import type { Draft, Infer, Shape } from "../wire/schema.ts";

interface Sent {
  readonly correlationId: number;
  readonly read: (frame: Uint8Array) => { correlationId: number; body: unknown };
  readonly done: (body: unknown) => void;
}

/** A Kafka client of a test: sends requests in any version, and expects the answers in their order. */
export class TestClient {
  readonly stream: ByteStream;
  isClosed = false;
  /** Everything received, in case a test wants the bytes themselves. */
  received: Buffer = Buffer.alloc(0);
  readonly #sent: Sent[] = [];
  readonly #onClose: (() => void)[] = [];
  #unread: Buffer = Buffer.alloc(0);
  #nextId = 1;

  constructor(stream: ByteStream) {
    this.stream = stream;
    stream.onData = (chunk) => this.#receive(chunk);
    stream.onClose = () => {
      this.isClosed = true;
      for (const tell of this.#onClose.splice(0)) tell();
    };
  }

  /** Requests sent and not answered. */
  get openCount(): number {
    return this.#sent.length;
  }

  request<Q extends Shape, S extends Shape>(api: Api<Q, S>, version: number, body: Draft<Q>): Promise<Infer<S>> {
    const correlationId = this.#nextId++;
    const answered = new Promise<unknown>((done) => {
      this.#sent.push({ correlationId, read: (frame) => decodeResponse(api, version, frame), done });
    });
    this.send(encodeRequest(api, { version, correlationId, clientId: "test" }, body));
    return answered as Promise<Infer<S>>;
  }

  /** A request that has no answer (acks=0). */
  tell<Q extends Shape, S extends Shape>(api: Api<Q, S>, version: number, body: Draft<Q>): void {
    this.send(encodeRequest(api, { version, correlationId: this.#nextId++, clientId: null }, body));
  }

  send(chunks: readonly Uint8Array[]): void {
    // The broker may keep and change what it receives; the test's own bytes stay as they are.
    this.stream.write(Buffer.concat(chunks));
  }

  closed(): Promise<void> {
    return this.isClosed ? Promise.resolve() : new Promise((resolve) => this.#onClose.push(resolve));
  }

  #receive(chunk: Uint8Array): void {
    this.received = Buffer.concat([this.received, chunk]);
    this.#unread = Buffer.concat([this.#unread, chunk]);
    while (this.#unread.length >= 4) {
      const end = 4 + this.#unread.readInt32BE(0);
      if (this.#unread.length < end) return;
      const frame = this.#unread.subarray(4, end);
      this.#unread = this.#unread.subarray(end);
      const sent = this.#sent.shift();
      // What a test wrote by hand is answered to nobody.
      if (sent === undefined) continue;
      const { correlationId, body } = sent.read(frame);
      if (correlationId !== sent.correlationId)
        throw new Error(`answer ${correlationId} came for ${sent.correlationId}`);
      sent.done(body);
    }
  }
}
