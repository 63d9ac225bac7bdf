import type { Clock, Timer } from "#base/clock.ts";
import type { Logger } from "#base/logging.ts";
import type { Random } from "#base/random.ts";
import type { ReconcileMeter } from "./ports.ts";

/** When to look again; null: only when something changes. */
export interface Reconciled {
  readonly requeueAfterMs: number | null;
  /** Something was not done: tried again, later each time. */
  readonly hasFailed: boolean;
}

export interface WorkQueueOptions {
  /** Of the metrics: cluster, topic. */
  readonly name: string;
  readonly concurrency: number;
  /** Least time between the end of one look at a key and the next. */
  readonly restMs: number;
  readonly reconcile: (key: string) => Promise<Reconciled>;
}

export interface WorkQueuePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: ReconcileMeter;
}

const BACK_OFF_MS_FIRST = 250;
const BACK_OFF_MS_MAX = 60_000;

/**
 * Keys to be looked at: each waits once however often it is asked for, and is never looked at by two at a time. What
 * fails is tried again after a time that doubles, with jitter, up to a minute.
 */
export class WorkQueue {
  readonly #ports: WorkQueuePorts;
  readonly #options: WorkQueueOptions;
  /** In the order in which they are to be looked at. */
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  /** Asked for while they were looked at. */
  readonly #again = new Set<string>();
  /** Each with the moment at which it falls due. */
  readonly #later = new Map<string, { timer: Timer; atMs: number }>();
  readonly #failures = new Map<string, number>();
  readonly #restUntilMs = new Map<string, number>();
  #isStopped = false;
  #onIdle: (() => void)[] = [];

  constructor(ports: WorkQueuePorts, options: WorkQueueOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** Keys that wait to be looked at. */
  get depth(): number {
    return this.#waiting.size;
  }

  add(key: string): void {
    if (this.#isStopped) return;
    if (this.#running.has(key)) {
      this.#again.add(key);
      return;
    }
    const restMs = (this.#restUntilMs.get(key) ?? 0) - this.#ports.clock.monotonic();
    if (restMs > 0) return this.addAfter(key, restMs);
    this.#later.get(key)?.timer.cancel();
    this.#later.delete(key);
    this.#waiting.add(key);
    this.#pump();
  }

  /** The earlier of two moments counts. */
  addAfter(key: string, delayMs: number): void {
    if (this.#isStopped) return;
    const { clock } = this.#ports;
    const atMs = clock.monotonic() + delayMs;
    const known = this.#later.get(key);
    if (known !== undefined && known.atMs <= atMs) return;
    known?.timer.cancel();
    const timer = clock.after(delayMs, () => {
      this.#later.delete(key);
      this.add(key);
    });
    this.#later.set(key, { timer, atMs });
  }

  /** Nothing is begun any more; resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const { timer } of this.#later.values()) timer.cancel();
    this.#later.clear();
    this.#waiting.clear();
    if (this.#running.size > 0) await new Promise<void>((resolve) => this.#onIdle.push(resolve));
  }

  #pump(): void {
    while (!this.#isStopped && this.#running.size < this.#options.concurrency) {
      const [key] = this.#waiting;
      if (key === undefined) return;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#run(key);
    }
  }

  async #run(key: string): Promise<void> {
    const { clock, logger } = this.#ports;
    const startedMs = clock.monotonic();
    let outcome: Reconciled;
    try {
      outcome = await this.#options.reconcile(key);
    } catch (error) {
      logger.error("a reconcile failed", { controller: this.#options.name, key, error });
      outcome = { requeueAfterMs: null, hasFailed: true };
    }
    const result = outcome.hasFailed ? "error" : outcome.requeueAfterMs === null ? "success" : "requeue_after";
    this.#ports.meter.reconciled(this.#options.name, { result, tookMs: clock.monotonic() - startedMs });
    this.#running.delete(key);
    this.#restUntilMs.set(key, clock.monotonic() + this.#options.restMs);
    this.#settle(key, outcome);
    if (this.#again.delete(key)) this.add(key);
    this.#pump();
    if (this.#running.size > 0) return;
    for (const resolve of this.#onIdle.splice(0)) resolve();
  }

  #settle(key: string, { requeueAfterMs, hasFailed }: Reconciled): void {
    if (hasFailed) {
      const failures = (this.#failures.get(key) ?? 0) + 1;
      this.#failures.set(key, failures);
      const delayMs = Math.min(BACK_OFF_MS_MAX, BACK_OFF_MS_FIRST * 2 ** Math.min(failures - 1, 20));
      return this.addAfter(key, delayMs * (0.5 + this.#ports.random.next() / 2));
    }
    this.#failures.delete(key);
    if (requeueAfterMs !== null) this.addAfter(key, requeueAfterMs);
  }
}
