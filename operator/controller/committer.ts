import { type Clock, sleep } from "#base/clock.ts";
import { isTidemarkError, TidemarkError } from "#base/errors.ts";
import type { Logger } from "#base/logging.ts";
import { isNewer, type MetadataVersion } from "#contract/rows.ts";
import type { Change } from "../machine/changes.ts";
import type { Loaded, MetadataStore, StoreWrite, Written } from "../ports/metadata-store.ts";

const RETRY_MS_MIN = 10;
const RETRY_MS_MAX = 500;
/** An outage of the store is said once it has lasted this long, and again at each multiple. */
const OUTAGE_MS = 5000;

const isSame = (a: MetadataVersion, b: MetadataVersion): boolean =>
  a.controllerEpoch === b.controllerEpoch && a.sequence === b.sequence;

/**
 * `deposed`: another controller claimed the store; this one must decide nothing any more. `overtaken`: a predecessor
 * went on between what was read and the claim; read and claim again.
 */
export type Settled = "committed" | "deposed" | "overtaken" | "stopped";

/**
 * One write at a time, each until its outcome is known: sent again while it is unknown, looked up after a conflict.
 * While the store cannot be reached nothing is decided, and nothing is given up.
 */
export class Committer {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #store: MetadataStore;
  readonly #writer: string;
  #isStopped = false;
  #isUnsettled = false;

  constructor(ports: { clock: Clock; logger: Logger; store: MetadataStore }, options: { writer: string }) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#store = ports.store;
    this.#writer = options.writer;
  }

  /** The last write was answered with an unknown outcome so far: the store cannot be reached. */
  get isUnsettled(): boolean {
    return this.#isUnsettled;
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Reads the store, however long that takes; null once stopped. @throws TidemarkError STORE_CORRUPT */
  load(): Promise<Loaded | null> {
    return this.#untilReached(() => this.#store.load());
  }

  /** Whether another controller has claimed the store; false also when it cannot be reached now. */
  async isDeposed(version: MetadataVersion): Promise<boolean> {
    try {
      return this.#isAnothers(await this.#store.newest(), version);
    } catch (error) {
      if (isTidemarkError(error) && error.isRetriable) return false;
      throw error;
    }
  }

  /** @throws TidemarkError when the store failed for good, or somebody else than a controller changed it. */
  async commit(commit: {
    expected: MetadataVersion;
    version: MetadataVersion;
    changes: readonly Change[];
  }): Promise<Settled> {
    const write: StoreWrite = { ...commit, writer: this.#writer };
    const retry = this.#retries();
    try {
      while (!this.#isStopped) {
        const outcome = await this.#store.commit(write);
        if (outcome === "committed") return "committed";
        if (outcome === "conflict") {
          const settled = await this.#look(write);
          if (settled !== null) return settled;
        }
        this.#isUnsettled = true;
        await retry();
      }
      return "stopped";
    } finally {
      this.#isUnsettled = false;
    }
  }

  /** What a conflict means; null = what is expected is there after all (something else than the content changed). */
  async #look(write: StoreWrite): Promise<Settled | null> {
    const newest = await this.#untilReached(() => this.#store.newest());
    if (newest === null) return "stopped";
    if (isSame(newest.version, write.version) && newest.writer === this.#writer) return "committed";
    if (this.#isAnothers(newest, write.version)) return "deposed";
    if (isSame(newest.version, write.expected)) return null;
    const isClaim = write.expected.controllerEpoch < write.version.controllerEpoch;
    if (isClaim && isNewer(newest.version, write.expected)) return "overtaken";
    const { controllerEpoch, sequence } = newest.version;
    throw new TidemarkError(
      "STORE_CORRUPT",
      `the metadata store went back to version ${controllerEpoch}.${sequence}; was a backup restored under a running ` +
        "controller? Stop it, then start it to recover",
    );
  }

  #isAnothers(newest: Written, mine: MetadataVersion): boolean {
    if (newest.version.controllerEpoch !== mine.controllerEpoch) {
      return newest.version.controllerEpoch > mine.controllerEpoch;
    }
    return newest.writer !== this.#writer;
  }

  async #untilReached<T>(access: () => Promise<T>): Promise<T | null> {
    const retry = this.#retries();
    while (!this.#isStopped) {
      try {
        return await access();
      } catch (error) {
        if (!isTidemarkError(error) || !error.isRetriable) throw error;
      }
      await retry();
    }
    return null;
  }

  /** A wait that grows from call to call. */
  #retries(): () => Promise<void> {
    const startMs = this.#clock.monotonic();
    let delayMs = RETRY_MS_MIN;
    let saidMs = startMs;
    return async () => {
      await sleep(this.#clock, delayMs);
      delayMs = Math.min(delayMs * 2, RETRY_MS_MAX);
      const nowMs = this.#clock.monotonic();
      if (nowMs - saidMs < OUTAGE_MS) return;
      saidMs = nowMs;
      this.#logger.warn("the metadata store cannot be reached; nothing can be decided", { sinceMs: nowMs - startMs });
    };
  }
}
