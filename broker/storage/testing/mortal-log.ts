import type { LeaderEpoch } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import type { LogConfig } from "../log-config.ts";
import type { Checkpoint } from "../log-recovery.ts";
import { LogFixture } from "./log-fixture.ts";
import type { CrashOptions } from "./memory-disk.ts";

const KILLED = "killed at this step";

/**
 * A log on a disk that may die at any step, and how far it is promised to be there. Every method may end with the log
 * dead: `isDead` then says so, and `crash` begins the next life.
 */
export class MortalLog {
  readonly fixture: LogFixture;
  /** What a crash that keeps, or loses, the page cache must leave at least. */
  protected writtenEnd = 0;
  protected syncedEnd = 0;
  protected epoch = 0;
  protected sequence = 0;
  readonly #keepsTail: boolean;
  #checkpoint: Checkpoint | null = null;
  #step = 0;
  #dieAtStep = Number.MAX_SAFE_INTEGER;
  isDead = false;

  /** @param options  Without `keepsTail` what is written is read from disk. */
  constructor(config: Partial<LogConfig>, options: { keepsTail: boolean }) {
    this.#keepsTail = options.keepsTail;
    this.fixture = new LogFixture(config);
    this.fixture.disk.onStep = () => {
      if (this.isDead || ++this.#step < this.#dieAtStep) return;
      this.isDead = true;
      throw new Error(KILLED);
    };
  }

  /** Steps taken in this life. */
  get steps(): number {
    return this.#step;
  }

  /** The log dies at its n-th step from now. */
  dieAt(step: number): void {
    this.#step = 0;
    this.#dieAtStep = step;
  }

  /** Runs `work` unless the log is dead; its death in it is no error. */
  protected async living(work: () => Promise<void>): Promise<void> {
    if (this.isDead) return;
    try {
      await work();
      this.#observe();
    } catch (error) {
      if (!this.isDead) throw error;
    }
  }

  #observe(): void {
    const { log, failures } = this.fixture;
    if (this.isDead || failures.length > 0) return;
    this.writtenEnd = Math.max(this.writtenEnd, log.writtenEnd);
    this.syncedEnd = Math.max(this.syncedEnd, log.syncedEnd);
  }

  open(options: { isCleanStart: boolean } = { isCleanStart: false }): Promise<void> {
    return this.living(async () => {
      const log = await this.fixture.open({ checkpoint: this.#checkpoint, ...options });
      if (!this.#keepsTail) log.setTailBytesMax(0);
      this.epoch++;
      log.startEpoch(this.epoch as LeaderEpoch);
      log.onDurable = () => this.#observe();
    });
  }

  flush(): Promise<void> {
    return this.living(() => this.fixture.log.flush());
  }

  /** What the broker's checkpoint files say from now on: written now and then, after the fact. */
  checkpoint(): void {
    if (!this.isDead) this.#checkpoint = this.fixture.checkpoint;
  }

  /** Closes and opens again, as at a clean stop. */
  restart(): Promise<void> {
    return this.living(async () => {
      await this.fixture.log.close();
      this.#observe();
      this.checkpoint();
      await this.open({ isCleanStart: true });
    });
  }

  /** The process, or the machine, ends; then the log is opened again, perhaps dying in that, too. */
  async crash(options: CrashOptions): Promise<void> {
    this.isDead = false;
    this.fixture.disk.crash(options);
    if (options.losesPageCache) this.writtenEnd = Math.min(this.writtenEnd, this.syncedEnd);
    await this.open();
  }
}

/** A whole number from 0 below `bound`. */
export type Below = (bound: number) => number;

/** What fills the lives of a log, and how long they last. */
export interface Fate<L extends MortalLog> {
  readonly deedsMax: number;
  /** Steps until a life ends. */
  stepsToLive(below: Below): number;
  /** One recovery in so many may die as well. */
  readonly fatalRecoveryOneIn: number;
  doSomething(life: L, below: Below): Promise<void>;
}

/** Four lives of random deeds; after each death the log is checked. */
export async function liveAndDie<L extends MortalLog & { check(): Promise<void> }>(
  life: L,
  random: Random,
  fate: Fate<L>,
): Promise<L> {
  const below: Below = (bound) => Math.floor(random.next() * bound);
  await life.open();
  for (let death = 0; death < 4; death++) {
    life.dieAt(fate.stepsToLive(below));
    for (let deed = 0; deed < fate.deedsMax && !life.isDead; deed++) await fate.doSomething(life, below);
    do {
      life.dieAt(below(fate.fatalRecoveryOneIn) === 0 ? 1 + below(30) : Number.MAX_SAFE_INTEGER);
      await life.crash({ losesPageCache: below(2) === 0, ...(below(2) === 0 ? { random } : {}) });
    } while (life.isDead);
    life.dieAt(Number.MAX_SAFE_INTEGER);
    await life.check();
  }
  return life;
}
