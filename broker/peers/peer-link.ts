import type { ByteStream } from "../ports/network.ts";
import { FrameCutter, ownBytes } from "../server/frames.ts";
import type { Api } from "../wire/api.ts";
import { decodeResponse, encodeRequest } from "../wire/frame.ts";
import type { Draft, Infer, Shape } from "../wire/schema.ts";

/** What became of a request to a broker. */
export type Asked<T> =
  | { readonly kind: "answered"; readonly body: T }
  /** It reached nobody: nothing was done. */
  | { readonly kind: "unsent" }
  /** It was sent, and no answer came: it may have been done. */
  | { readonly kind: "lost" };

interface Sent {
  readonly correlationId: number;
  /** Decodes the answer and hands it over. Throws MalformedError. */
  readonly take: (frame: Uint8Array) => void;
  readonly lose: () => void;
}

/** An answer to what this broker asks for is never larger: the fetches ask for less, and one batch fits. */
const ANSWER_BYTES_MAX = 128 * 1024 * 1024;
const CLIENT_ID = "tidemark-http";

/** A connection on which this broker is a Kafka client of another one. Requests are answered in their order. */
export class PeerLink {
  readonly #stream: ByteStream;
  readonly #frames = new FrameCutter(ANSWER_BYTES_MAX);
  readonly #onClosed: () => void;
  #sent: Sent[] = [];
  #nextId = 1;
  #isClosed = false;

  constructor(stream: ByteStream, onClosed: () => void) {
    this.#stream = stream;
    this.#onClosed = onClosed;
    stream.onData = (chunk) => this.#receive(chunk);
    stream.onClose = () => this.#close();
  }

  /** Requests that wait for their answers. */
  get openCount(): number {
    return this.#sent.length;
  }

  request<Q extends Shape, S extends Shape>(api: Api<Q, S>, version: number, body: Draft<Q>): Promise<Asked<Infer<S>>> {
    if (this.#isClosed) return Promise.resolve({ kind: "unsent" });
    const correlationId = this.#nextId++ & 0x7fff_ffff;
    return new Promise((resolve) => {
      this.#sent.push({
        correlationId,
        take: (frame) => resolve({ kind: "answered", body: decodeResponse(api, version, frame).body }),
        lose: () => resolve({ kind: "lost" }),
      });
      this.#stream.cork();
      for (const chunk of encodeRequest(api, { version, correlationId, clientId: CLIENT_ID }, body)) {
        this.#stream.write(chunk);
      }
      this.#stream.uncork();
    });
  }

  /** Gives every open request up. */
  destroy(): void {
    this.#stream.destroy();
    this.#close();
  }

  #receive(chunk: Uint8Array): void {
    this.#frames.push(chunk);
    for (let frame = this.#frames.next(); frame !== null; frame = this.#frames.next()) {
      const sent = this.#sent.shift();
      // Whoever asked looks at the answer in a later turn.
      const own = this.#frames.isView ? ownBytes(frame) : frame;
      if (sent === undefined || !answers(own, sent)) return this.destroy();
    }
    if (this.#frames.problem !== null) this.destroy();
  }

  #close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const open = this.#sent;
    this.#sent = [];
    for (const { lose } of open) lose();
    this.#onClosed();
  }
}

/** False when the frame is no answer to what was sent: nothing that follows on this connection can be believed. */
function answers(frame: Uint8Array, sent: Sent): boolean {
  if (frame.length < 4 || Buffer.from(frame.buffer, frame.byteOffset, 4).readInt32BE(0) !== sent.correlationId) {
    sent.lose();
    return false;
  }
  try {
    sent.take(frame);
    return true;
  } catch {
    // Of the same cluster and yet unreadable: of another release. The request counts as lost.
    sent.lose();
    return false;
  }
}
