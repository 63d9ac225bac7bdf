const SHOW_MS = 250;

/** A line on standard error that rewrites itself while a terminal watches; silent otherwise. */
export class Progress {
  readonly #what: string;
  readonly #isShown = process.stderr.isTTY === true;
  readonly #startedAtMs = performance.now();
  #shownAtMs = 0;

  /** `what` happened to the records: "acked", "read". */
  constructor(what: string) {
    this.#what = what;
  }

  show(count: number): void {
    const nowMs = performance.now();
    if (!this.#isShown || nowMs - this.#shownAtMs < SHOW_MS) return;
    this.#shownAtMs = nowMs;
    process.stderr.write(`\r\x1b[K${this.#line(count)}`);
  }

  end(count: number): void {
    if (this.#isShown) process.stderr.write(`\r\x1b[K${this.#line(count)}\n`);
  }

  #line(count: number): string {
    const seconds = Math.max(0.001, (performance.now() - this.#startedAtMs) / 1000);
    const rate = Math.round(count / seconds).toLocaleString("en-US");
    return `${count.toLocaleString("en-US")} records ${this.#what} in ${seconds.toFixed(1)} s (${rate}/s)`;
  }
}
