import { connect, type Socket } from "node:net";

const PRODUCE = 0;
const HEADER_BYTES = 8;

/** What the client's socket factory is asked for. */
export interface SocketWish {
  readonly host: string;
  readonly port: number;
  readonly onConnect: () => void;
}

/**
 * Counts, per broker port, the Produce requests that were written to a socket and have no answer yet, by reading the
 * frames that pass: each request carries its key and correlation id, each answer the correlation id.
 */
export class WireTap {
  readonly #open = new Map<number, Set<string>>();
  readonly #connected = new Map<number, number>();
  #sockets = 0;
  /** After every Produce request that was written, with its broker's port. */
  onProduce: (port: number) => void = () => {};

  /** Produce requests without an answer at the broker that listens on `port`. */
  openAt(port: number): number {
    return this.#open.get(port)?.size ?? 0;
  }

  /** Connections that stand to the broker that listens on `port`. */
  connectedTo(port: number): number {
    return this.#connected.get(port) ?? 0;
  }

  readonly factory = ({ host, port, onConnect }: SocketWish): Socket => {
    const socket = connect({ host, port, noDelay: true }, onConnect);
    const id = this.#sockets++;
    const open = this.#open.get(port) ?? new Set<string>();
    this.#open.set(port, open);
    const mine = new Set<string>();
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = ((...args: unknown[]) => {
      const correlation = produceCorrelation(args[0]);
      const wasWritten = write(...args);
      if (correlation !== null) {
        const name = `${id}:${correlation}`;
        open.add(name);
        mine.add(name);
        this.onProduce(port);
      }
      return wasWritten;
    }) as typeof socket.write;
    const answers = new AnswerReader((correlation) => {
      open.delete(`${id}:${correlation}`);
      mine.delete(`${id}:${correlation}`);
    });
    socket.on("data", (chunk: Buffer) => answers.push(chunk));
    let hasConnected = false;
    socket.once("connect", () => {
      hasConnected = true;
      this.#connected.set(port, this.connectedTo(port) + 1);
    });
    socket.once("close", () => {
      if (hasConnected) this.#connected.set(port, this.connectedTo(port) - 1);
      for (const name of mine) open.delete(name);
    });
    return socket;
  };
}

/** Correlation id of a Produce request's frame; null for anything else. */
function produceCorrelation(frame: unknown): number | null {
  if (!Buffer.isBuffer(frame) || frame.length < 12) return null;
  return frame.readInt16BE(4) === PRODUCE ? frame.readInt32BE(8) : null;
}

/** Finds the correlation ids in a stream of answers; bodies are skipped, not kept. */
class AnswerReader {
  readonly #onAnswer: (correlation: number) => void;
  #head = Buffer.alloc(0);
  #skip = 0;

  constructor(onAnswer: (correlation: number) => void) {
    this.#onAnswer = onAnswer;
  }

  push(chunk: Buffer): void {
    let rest = chunk;
    while (rest.length > 0) {
      const skipped = Math.min(this.#skip, rest.length);
      this.#skip -= skipped;
      rest = rest.subarray(skipped);
      if (rest.length === 0) return;
      const taken = Math.min(HEADER_BYTES - this.#head.length, rest.length);
      this.#head = Buffer.concat([this.#head, rest.subarray(0, taken)]);
      rest = rest.subarray(taken);
      if (this.#head.length < HEADER_BYTES) return;
      this.#skip = this.#head.readInt32BE(0) - 4;
      this.#onAnswer(this.#head.readInt32BE(4));
      this.#head = Buffer.alloc(0);
    }
  }
}
