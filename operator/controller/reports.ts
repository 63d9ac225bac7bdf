import { isNewer, type MetadataVersion } from "#contract/rows.ts";
import type { ByteStream } from "#ports/network.ts";
import { Session } from "./session.ts";

/**
 * While there is no store that a controller could decide on: hears what brokers that dial were told last, and refuses
 * them. They go on serving, and dial again.
 */
export class Reports {
  readonly #reason: () => string;
  readonly #onNewest: () => void;
  readonly #open = new Set<Session>();
  #newest: MetadataVersion | null = null;

  constructor(options: { reason: () => string; onNewest: () => void }) {
    this.#reason = options.reason;
    this.#onNewest = options.onNewest;
  }

  /** Null when no broker has said that it was told anything. */
  get newest(): MetadataVersion | null {
    return this.#newest;
  }

  accept(stream: ByteStream): void {
    const session = new Session(stream, {
      onMessage: (from, message) => {
        if (message.type === "register" && message.metadataVersion !== null) this.#hear(message.metadataVersion);
        from.send({ type: "refused", code: "NOT_READY", reason: this.#reason(), controller: null });
        from.close();
      },
      onClose: (from) => void this.#open.delete(from),
    });
    this.#open.add(session);
  }

  stop(): void {
    for (const session of this.#open) session.break("the controller ends");
    this.#open.clear();
  }

  #hear(version: MetadataVersion): void {
    if (!isNewer(version, this.#newest)) return;
    this.#newest = version;
    this.#onNewest();
  }
}
