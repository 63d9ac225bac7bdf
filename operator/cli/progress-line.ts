import { barText, bytesText, spanText } from "./units.ts";

const SHOW_MS = 250;

/** A line on standard error that rewrites itself while a terminal watches; silent otherwise. */
export class StatusLine {
  readonly #isShown = process.stderr.isTTY === true;
  #shownAtMs = Number.NEGATIVE_INFINITY;
  #hasLine = false;

  /** At most four times a second; `text` makes the line only when it is shown. */
  show(text: () => string): void {
    if (!this.#isShown) return;
    const nowMs = performance.now();
    if (nowMs - this.#shownAtMs < SHOW_MS) return;
    this.#shownAtMs = nowMs;
    this.#write(text());
  }

  /** The last state stays to be read, and what comes next begins a line of its own. */
  close(text: () => string): void {
    if (!this.#isShown) return;
    this.#write(text());
    process.stderr.write("\n");
    this.#hasLine = false;
  }

  #write(text: string): void {
    // A line that wraps cannot be rewritten.
    const columns = process.stderr.columns ?? 80;
    process.stderr.write(`${this.#hasLine ? "\r\x1b[K" : ""}${text.slice(0, columns - 1)}`);
    this.#hasLine = true;
  }
}

/** How far a stream of records is. */
export interface Amount {
  readonly records: number;
  readonly bytes: number;
  /** 0 … 1; null when nobody knows where it ends. */
  readonly share: number | null;
}

/** `what` happened to the records: "acked", "read". @param seconds  Since the start, ≥ 0. */
export function amountText({ records, bytes, share }: Amount, what: string, seconds: number): string {
  const span = Math.max(0.001, seconds);
  const rate = `${Math.round(records / span).toLocaleString("en-US")}/s, ${bytesText(bytes / span)}/s`;
  const bar = share === null ? "" : `${barText(share)}  `;
  const left = share === null || share <= 0 || share >= 1 ? "" : `, ${spanText((span / share) * (1 - share))} left`;
  return `${bar}${records.toLocaleString("en-US")} records ${what} in ${span.toFixed(1)} s (${rate})${left}`;
}
