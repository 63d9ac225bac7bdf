/**
 * A reliable, ordered, two-way stream of bytes: a socket, or the simulator's. Chunks have no relation to messages.
 * Handlers are set once, right after the stream was handed over, in the same turn.
 */
export interface ByteStream {
  /** For logs: "127.0.0.1:51324". */
  readonly remote: string;
  /** Bytes written but not yet taken by the network. A writer that sees too much waits for `onDrain`. */
  readonly pendingBytes: number;
  /**
   * The stream keeps `chunk` until it is sent, and it must not change before `onSent`. A stream need not call that; one
   * that breaks does not. After `close` or a break, does nothing.
   */
  write(chunk: Uint8Array, onSent?: () => void): void;
  /** Gathers what is written until `uncork` into as few packets as possible. Nests. */
  cork(): void;
  uncork(): void;
  /** Stops and restarts delivery to `onData`: back-pressure on the sender. What was read already may still come. */
  pause(): void;
  resume(): void;
  /** Sends what is pending, then closes. */
  close(): void;
  /** Breaks at once; what is pending is lost. */
  destroy(): void;
  /** A chunk is the receiver's only until `onData` returns: its memory takes the next one. */
  onData: (chunk: Uint8Array) => void;
  onDrain: () => void;
  /** Exactly once, for whatever reason the stream ended (also after `close` and `destroy`). */
  onClose: () => void;
}

/** Where a process listens, as others reach it. */
export interface Address {
  readonly host: string;
  readonly port: number;
  /** Begins every path there: one server may have the controllers of many clusters. None when absent. */
  readonly path?: string;
}

/** What a probe of a process's own address found (docs/architecture.md, failure detection). */
export type ProbeResult =
  | { readonly kind: "refused" }
  | { readonly kind: "answered"; readonly incarnation: string }
  | { readonly kind: "silent" };

/** Opening one streamed HTTP/1.1 exchange: `accepted` has the stream, `refused` the answer's status and text. */
export type ExchangeResult =
  | { readonly kind: "accepted"; readonly stream: ByteStream }
  | { readonly kind: "refused"; readonly status: number; readonly text: string }
  | { readonly kind: "unreachable"; readonly reason: string };

/** What a broker or controller asks of the network between them. */
export interface Network {
  /** Opens a streamed exchange at `path` of the HTTP server at `address`. */
  exchange(address: Address, path: string, options: { timeoutMs: number }): Promise<ExchangeResult>;
  /** Asks the process at `address` (its HTTP port) who it is: GET /v1/incarnation. */
  probe(address: Address, options: { timeoutMs: number }): Promise<ProbeResult>;
  /** One small JSON request and answer: POST. Null when unreachable or not answered in time. */
  post(
    address: Address,
    path: string,
    body: unknown,
    options: { timeoutMs: number },
  ): Promise<{ status: number; body: unknown } | null>;
}

/** How the other side accepts exchanges: the HTTP server of a process, or the simulator's. */
export interface ExchangeServer {
  /** Decides on an exchange: a stream handler, or a refusal. Called once per exchange. */
  onExchange(path: string, accept: () => ByteStream, refuse: (status: number, text: string) => void): void;
  onPost(path: string, body: unknown): Promise<{ status: number; body: unknown }>;
  /** Answer of GET /v1/incarnation. */
  readonly incarnation: string;
}
