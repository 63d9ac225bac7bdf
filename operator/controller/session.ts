import { isTidemarkError } from "#base/errors.ts";
import type { BrokerEpoch, BrokerId, Incarnation } from "#base/ids.ts";
import { encodeLine, LineDecoder } from "#base/json-lines.ts";
import type { ToBroker, ToController } from "#contract/control.ts";
import type { ByteStream } from "#ports/network.ts";
import { parseToController } from "./parse.ts";

/** A line from a broker: its longest is a proposal or an administrative request. */
const LINE_BYTES_MAX = 64 * 1024 * 1024;
/** A broker that does not read is cut off before it fills the controller's memory. */
const PENDING_BYTES_MAX = 256 * 1024 * 1024;

/** Which broker a stream belongs to, once its registration was committed. */
export interface SessionHolder {
  readonly broker: BrokerId;
  readonly incarnation: Incarnation;
  readonly epoch: BrokerEpoch;
}

export interface SessionHandlers {
  onMessage(session: Session, message: ToController): void;
  onClose(session: Session, reason: string): void;
}

/** One broker's control stream: newline-delimited JSON in both directions. */
export class Session {
  readonly #stream: ByteStream;
  readonly #handlers: SessionHandlers;
  /** null until the registration was committed. */
  holder: SessionHolder | null = null;
  hasAskedToRegister = false;
  #isOpen = true;
  #reason = "the stream broke";

  constructor(stream: ByteStream, handlers: SessionHandlers) {
    this.#stream = stream;
    this.#handlers = handlers;
    const decoder = new LineDecoder(LINE_BYTES_MAX);
    stream.onData = (chunk) => this.#receive(decoder, chunk);
    stream.onClose = () => {
      this.#isOpen = false;
      handlers.onClose(this, this.#reason);
    };
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get remote(): string {
    return this.#stream.remote;
  }

  send(message: ToBroker): void {
    this.sendLine(encodeLine(message));
  }

  /** Several messages in as few packets as possible. */
  sendAll(messages: readonly ToBroker[]): void {
    this.#stream.cork();
    for (const message of messages) this.send(message);
    this.#stream.uncork();
  }

  /** The same bytes may go to many. */
  sendLine(line: Uint8Array): void {
    if (!this.#isOpen) return;
    this.#stream.write(line);
    if (this.#stream.pendingBytes > PENDING_BYTES_MAX) this.break("it does not read");
  }

  /** Sends what is pending, then closes. */
  close(): void {
    this.#stream.close();
  }

  break(reason: string): void {
    if (!this.#isOpen) return;
    this.#reason = reason;
    this.#isOpen = false;
    this.#stream.destroy();
  }

  #receive(decoder: LineDecoder, chunk: Uint8Array): void {
    let values: unknown[];
    try {
      values = decoder.push(chunk);
    } catch (error) {
      this.break(isTidemarkError(error) ? error.message : String(error));
      return;
    }
    for (const value of values) {
      if (!this.#isOpen) return;
      const message = parseToController(value);
      if (message === null) return this.break("it sent a message that is not of the contract");
      this.#handlers.onMessage(this, message);
    }
  }
}
