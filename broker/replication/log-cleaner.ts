import type { Clock, Timer } from "../base/clock.ts";
import { isTidemarkError } from "../base/errors.ts";
import type { Logger } from "../base/logging.ts";
import type { Random } from "../base/random.ts";
import type { Compactor } from "../ports/compactor.ts";
import type { CompactionRun, Dirtiness } from "../storage/log-compaction.ts";
import type { Replica } from "./replica.ts";

/** A partition that could not be compacted is left alone so long: most causes stay until a person removes them. */
const FAILURE_PAUSE_MS = 15 * 60_000;
/** Longer than any timer can run: such a time means never. */
const TIMER_MS_MAX = 2 ** 31 - 1;

/** Configuration in force now. */
export interface CleanerLimits {
  /** `log.cleaner.backoff.ms`. */
  readonly backoffMs: number;
  /** `log.cleaner.dedupe.buffer.size`. */
  readonly keyBytesMax: number;
  /** `log.cleaner.io.max.bytes.per.second`. */
  readonly bytesPerSecond: number;
}

export interface LogCleanerOptions {
  readonly compactor: Compactor;
  replicas(): Iterable<Replica>;
  limits(): CleanerLimits;
  /** What its owner rewrites itself. */
  isLeftAlone(topic: string): boolean;
}

/** What the cleaner has done since the start, and how things stand. */
export class CleanerFigures {
  runs = 0;
  failures = 0;
  bytesRead = 0;
  /** Of rewritten segments: what they had less what they have. */
  bytesRemoved = 0;
  /** Of the partition that needed it most when last looked: 0 to 1. */
  dirtyRatioMax = 0;
  /** Partitions left alone since a failure. */
  uncleanable = 0;
}

/**
 * Compacts the partitions of one broker, one after the other and the dirtiest first, whether it leads or follows: each
 * replica by itself. A partition that fails is left alone for a while; the others go on. Source: Kafka's LogCleaner.
 */
export class LogCleaner {
  readonly figures = new CleanerFigures();
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #logger: Logger;
  readonly #options: LogCleanerOptions;
  /** When a replica that failed is tried again. */
  readonly #pausedUntilMs = new Map<Replica, number>();
  #timer: Timer | null = null;
  #isStopped = false;

  constructor(ports: { clock: Clock; random: Random; logger: Logger }, options: LogCleanerOptions) {
    this.#clock = ports.clock;
    this.#random = ports.random;
    this.#logger = ports.logger;
    this.#options = options;
  }

  start(): void {
    const backoffMs = Math.min(this.#options.limits().backoffMs, TIMER_MS_MAX);
    this.#timer = this.#clock.after(backoffMs, () => void this.#round());
  }

  /** Nothing is begun any more; a run under way is overtaken by the end of its log. */
  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }

  /** Compacts until nothing needs it, then waits. */
  async #round(): Promise<void> {
    while (!this.#isStopped && (await this.#cleanOne())) continue;
    if (!this.#isStopped) this.start();
  }

  /** False when no partition needs it. */
  async #cleanOne(): Promise<boolean> {
    const replica = await this.#dirtiest();
    if (replica === null || this.#isStopped) return false;
    await this.#attempt(replica, async () => {
      const { keyBytesMax, bytesPerSecond } = this.#options.limits();
      const limits = { keyBytesMax, bytesPerSecond, hashKey: this.#hashKey() };
      const request = { ...limits, highWatermark: replica.highWatermark, nowMs: this.#clock.now() };
      this.#note(await replica.log.compaction.run(this.#options.compactor, request));
    });
    return true;
  }

  async #dirtiest(): Promise<Replica | null> {
    const { isLeftAlone } = this.#options;
    const isCleaned = ({ topic, config }: Replica): boolean => config.isCompacted && !isLeftAlone(topic);
    const replicas = [...this.#options.replicas()].filter(isCleaned);
    for (const paused of this.#pausedUntilMs.keys()) if (!replicas.includes(paused)) this.#pausedUntilMs.delete(paused);
    let most: { replica: Replica; dirtiness: Dirtiness } | null = null;
    let ratioMax = 0;
    for (const replica of replicas) {
      if ((this.#pausedUntilMs.get(replica) ?? 0) > this.#clock.monotonic()) continue;
      const dirtiness = await this.#attempt(replica, () => this.#dirtinessOf(replica));
      if (dirtiness === null || dirtiness === undefined) continue;
      ratioMax = Math.max(ratioMax, dirtiness.ratio);
      const isDue = dirtiness.isOverdue || dirtiness.ratio > replica.config.minCleanableDirtyRatio;
      if (isDue && (most === null || isBefore(dirtiness, most.dirtiness))) most = { replica, dirtiness };
    }
    this.figures.dirtyRatioMax = ratioMax;
    this.figures.uncleanable = this.#pausedUntilMs.size;
    return most?.replica ?? null;
  }

  #dirtinessOf({ log, highWatermark }: Replica): Promise<Dirtiness | null> {
    return log.compaction.dirtiness({ highWatermark, nowMs: this.#clock.now() });
  }

  /** Undefined when `work` failed: then the replica is left alone for a while. */
  async #attempt<T>(replica: Replica, work: () => Promise<T>): Promise<T | undefined> {
    try {
      const result = await work();
      this.#pausedUntilMs.delete(replica);
      return result;
    } catch (error) {
      if (!isTidemarkError(error)) throw error;
      this.figures.failures++;
      this.#pausedUntilMs.set(replica, this.#clock.monotonic() + FAILURE_PAUSE_MS);
      this.figures.uncleanable = this.#pausedUntilMs.size;
      const { topic, partition } = replica;
      const fields = { topic, partition, code: error.code, why: error.message, triedAgainMs: FAILURE_PAUSE_MS };
      if (!this.#isStopped) this.#logger.error("a partition cannot be compacted", fields);
      return undefined;
    }
  }

  #note(run: CompactionRun): void {
    this.figures.runs++;
    this.figures.bytesRead += run.readBytes;
    this.figures.bytesRemoved += run.bytesBefore - run.bytesAfter;
  }

  /** Known to this run only, so that no producer can choose keys that hash alike. */
  #hashKey(): readonly [number, number, number, number] {
    const word = (): number => Math.floor(this.#random.next() * 2 ** 32);
    return [word(), word(), word(), word()];
  }
}

const isBefore = (one: Dirtiness, other: Dirtiness): boolean =>
  one.isOverdue === other.isOverdue ? one.ratio > other.ratio : one.isOverdue;
