import { describe, expect, test } from "@jest/globals";
import { type LeaderEpoch, type Offset, offset } from "../base/ids.ts";
import { batchPositions, baseOffsetOf, leaderEpochOf, lastOffsetOf } from "../wire/record-batch.ts";
import type { LogConfig } from "./log-config.ts";
import type { Checkpoint } from "./log-recovery.ts";
import { ProducerStates } from "./producer-state.ts";
import { FOLDER, LogFixture, seededRandom, valuesOf } from "./testing/log-fixture.ts";

const KILLED = "killed";

/** What was promised of the log when it died. */
interface Promised {
  /** Every content the log ever had, from offset 0: a cut begins another. */
  versions: string[][];
  /** Offsets below were written, or synced, in the newest version. */
  written: number;
  synced: number;
  checkpoint: Checkpoint | null;
}

/** A life of a log, step by step; `promised` is kept true all the time. */
class Life {
  readonly fixture: LogFixture;
  readonly promised: Promised = { versions: [[]], written: 0, synced: 0, checkpoint: null };
  #epoch = 0;
  #sequence = 0;

  constructor(config: Partial<LogConfig>) {
    this.fixture = new LogFixture(config);
  }

  get #content(): string[] {
    return this.promised.versions.at(-1)!;
  }

  #observe(): void {
    const { log } = this.fixture;
    if (log === undefined || this.fixture.failures.length > 0) return;
    this.promised.written = Math.max(this.promised.written, log.writtenEnd);
    this.promised.synced = Math.max(this.promised.synced, log.syncedEnd);
  }

  async open(isCleanStart = false): Promise<void> {
    await this.fixture.open({ checkpoint: this.promised.checkpoint, isCleanStart });
    this.#epoch++;
    this.fixture.log.startEpoch(this.#epoch as LeaderEpoch);
    this.fixture.log.onDurable = () => this.#observe();
    this.#observe();
  }

  async append(count: number): Promise<void> {
    for (let index = 0; index < count; index++) {
      const value = `${this.#content.length}@${this.#epoch}`;
      this.#content.push(value);
      const producer = { id: 9, epoch: this.#epoch, baseSequence: this.#sequence++ };
      this.fixture.append([value], { epoch: this.#epoch, producer, timestamp: 1000 + this.#content.length });
    }
    await this.fixture.written();
    this.#observe();
  }

  async flush(): Promise<void> {
    await this.fixture.log.flush();
    this.#observe();
  }

  /** As the broker's checkpoint files are written, now and then and after the fact. */
  checkpoint(): void {
    this.promised.checkpoint = this.fixture.checkpoint;
  }

  async truncateTo(end: number): Promise<void> {
    this.promised.versions.push(this.#content.slice(0, end));
    this.promised.written = Math.min(this.promised.written, end);
    this.promised.synced = Math.min(this.promised.synced, end);
    this.#sequence = 0;
    this.#epoch++;
    await this.fixture.log.truncateTo(offset(end));
    this.#observe();
  }

  async restart(): Promise<void> {
    await this.fixture.log.close();
    this.#observe();
    this.checkpoint();
    await this.open(true);
  }
}

async function live(life: Life): Promise<void> {
  await life.open();
  await life.append(3);
  await life.append(12);
  life.checkpoint();
  await life.flush();
  await life.append(4);
  life.checkpoint();
  await life.truncateTo(17);
  await life.append(5);
  await life.flush();
  life.checkpoint();
  await life.append(2);
  await life.truncateTo(8);
  await life.append(6);
  await life.restart();
  await life.append(3);
  await life.truncateTo(15);
  await life.append(2);
}

/** Lives until the step `stepMax`, then dies. False when life ended before. */
async function dieAt(life: Life, stepMax: number): Promise<boolean> {
  let step = 0;
  let isDead = false;
  life.fixture.disk.onStep = () => {
    if (++step < stepMax) return;
    isDead = true;
    throw new Error(KILLED);
  };
  await live(life).catch((error: unknown) => {
    if (!isDead) throw error;
  });
  life.fixture.disk.onStep = () => undefined;
  return isDead;
}

async function check(life: Life, least: number): Promise<void> {
  const { fixture, promised } = life;
  const { log } = fixture;
  const views = await fixture.readAll();
  const values = valuesOf(views);
  expect(log.logStart).toBe(0);
  expect(values).toHaveLength(log.logEnd);
  const isPrefix = promised.versions.some((version) => values.every((value, index) => version[index] === value));
  expect({ isPrefix, values, versions: promised.versions }).toMatchObject({ isPrefix: true });
  expect(log.logEnd).toBeGreaterThanOrEqual(least);
  const producers = new ProducerStates();
  for (const view of views) {
    for (const at of batchPositions(view)) {
      producers.update(view, at, { lastOffset: lastOffsetOf(view, at), nowMs: 0 });
      expect(log.epochAt(baseOffsetOf(view, at))).toBe(leaderEpochOf(view, at));
    }
  }
  expect([...log.producers.batches()]).toEqual([...producers.batches()]);
  for (let from = 0; from < log.logEnd; from++) {
    const [first] = await log.read(offset(from), { endOffset: log.logEnd, maxBytes: 1 });
    expect(valuesOf([first!])).toEqual([values[from]]);
  }
}

async function checkGoesOn(life: Life): Promise<void> {
  const { fixture } = life;
  const before = await fixture.values();
  // The controller was told of damage.
  await fixture.disk.remove(`${FOLDER}/damaged`);
  fixture.append(["more"], { epoch: 99 });
  await fixture.written();
  const checkpoint = { recoveryPoint: 0 as Offset, logStart: 0 as Offset };
  fixture.disk.crash({ losesPageCache: false });
  await fixture.open({ checkpoint });
  expect(await fixture.values()).toEqual([...before, "more"]);
  expect(fixture.recovery).toMatchObject({ cutBytes: 0, isDamaged: false });
}

const configs: Record<string, Partial<LogConfig>> = {
  "one segment": { indexIntervalBytes: 200 },
  "many segments": { segmentBytes: 500, indexIntervalBytes: 100 },
  "flush.messages=1": { flushMessages: 1, segmentBytes: 800, indexIntervalBytes: 100 },
};

const crashes: Record<string, (seed: number) => { losesPageCache: boolean; random?: ReturnType<typeof seededRandom> }> =
  {
    "a process": () => ({ losesPageCache: false }),
    "a machine, losing all that was not synced": () => ({ losesPageCache: true }),
    "a machine, losing some of it": (seed) => ({ losesPageCache: true, random: seededRandom(seed) }),
  };

describe.each(Object.keys(configs))("with %s, at every step of its life, after the crash of", (configName) => {
  test.each(Object.keys(crashes))("%s a log holds what it promised and nothing else", async (crashName) => {
    let steps = 0;
    for (let step = 1; ; step++) {
      const life = new Life(configs[configName]!);
      if (!(await dieAt(life, step))) break;
      steps++;
      const crash = crashes[crashName]!(step);
      life.fixture.disk.crash(crash);
      const least = crash.losesPageCache ? life.promised.synced : life.promised.written;
      await life.fixture.open({ checkpoint: life.promised.checkpoint });
      try {
        await check(life, least);
        if (!crash.losesPageCache) expect(life.fixture.recovery.isDamaged).toBe(false);
        await checkGoesOn(life);
      } catch (error) {
        throw new Error(`at step ${step}: ${Error.isError(error) ? error.message : String(error)}`, { cause: error });
      }
    }
    expect(steps).toBeGreaterThan(60);
  });
});
