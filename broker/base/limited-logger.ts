import type { Clock } from "./clock.ts";
import type { Logger } from "./logging.ts";

/** Of one message, so many lines are written in each period. */
const LINES_MAX = 10;
const PERIOD_MS = 10_000;

interface Count {
  startMs: number;
  written: number;
  leftOut: number;
}

/**
 * Warnings that a peer can cause at will, so that it cannot fill a disk with them: of each message (a constant of the
 * source: what differs stands in the fields) a few lines in ten seconds, and then how many were left out. All other
 * levels go through.
 */
export class LimitedLogger implements Logger {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #counts = new Map<string, Count>();

  constructor(ports: { readonly clock: Clock; readonly logger: Logger }) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
  }

  debug(message: string, fields?: Record<string, unknown>): void {
    this.#logger.debug(message, fields);
  }

  info(message: string, fields?: Record<string, unknown>): void {
    this.#logger.info(message, fields);
  }

  error(message: string, fields?: Record<string, unknown>): void {
    this.#logger.error(message, fields);
  }

  warn(message: string, fields?: Record<string, unknown>): void {
    const nowMs = this.#clock.monotonic();
    let count = this.#counts.get(message);
    if (count === undefined || (count.leftOut === 0 && nowMs - count.startMs >= PERIOD_MS)) {
      count = { startMs: nowMs, written: 0, leftOut: 0 };
      this.#counts.set(message, count);
    }
    if (count.written < LINES_MAX) {
      count.written++;
      this.#logger.warn(message, fields);
      return;
    }
    // Set by the first line left out only: nothing ticks while nobody comes.
    if (count.leftOut === 0) this.#clock.after(count.startMs + PERIOD_MS - nowMs, () => this.#tell(message));
    count.leftOut++;
  }

  #tell(message: string): void {
    const leftOut = this.#counts.get(message)?.leftOut ?? 0;
    this.#counts.delete(message);
    this.#logger.warn("lines like this one were left out", { line: message, leftOut });
  }
}
