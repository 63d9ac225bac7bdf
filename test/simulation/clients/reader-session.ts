import { kafkaErrors } from "../../../broker/wire/error-codes.ts";

/** What one fetch request says of its session; `isNamed`: it has to name the partition. */
export interface SessionTurn {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly isNamed: boolean;
}

const EPOCH_MAX = 0x7fff_ffff;

/** A reader's fetch session with one broker at a time (KIP-227): what it named is named again only when it changed. */
export class ReaderSession {
  #broker = -1;
  #id = 0;
  #epoch = 0;
  #named = "";

  /** For the next request, which would name `wish`. */
  next(broker: number, wish: string): SessionTurn {
    if (broker !== this.#broker) {
      this.#broker = broker;
      this.#id = 0;
      this.#epoch = 0;
    }
    const isNamed = this.#epoch === 0 || wish !== this.#named;
    this.#named = wish;
    return { sessionId: this.#id, sessionEpoch: this.#epoch, isNamed };
  }

  /** An answer came; null: none did, so what the broker knows is not known here. */
  answered(answer: { errorCode: number; sessionId: number } | null): void {
    if (answer === null) {
      // The broker is told to forget the session, if it still has it.
      this.#epoch = 0;
    } else if (answer.errorCode === kafkaErrors.FETCH_SESSION_ID_NOT_FOUND || answer.sessionId === 0) {
      this.#id = 0;
      this.#epoch = 0;
    } else if (answer.errorCode !== 0) this.#epoch = 0;
    else {
      this.#id = answer.sessionId;
      this.#epoch = this.#epoch === EPOCH_MAX ? 1 : this.#epoch + 1;
    }
  }
}
