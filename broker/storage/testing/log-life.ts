import { assert } from "../../base/assert.ts";
import { type Offset, offset, type TimestampMs } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { baseOffsetOf, batchPositions, lastOffsetOf, leaderEpochOf } from "../../wire/record-batch.ts";
import type { LogConfig } from "../log-config.ts";
import { ProducerStates } from "../producer-state.ts";
import { valuesOf } from "./log-fixture.ts";
import { type Below, liveAndDie, MortalLog } from "./mortal-log.ts";

/** A content that the log had at some time: `values[i]` at offset `start + i`. */
interface Version {
  readonly start: number;
  readonly values: string[];
}

/**
 * A log's life on a disk that may die at any step, and all that was promised of it meanwhile. Every method may end with
 * the log dead: `isDead` then says so, and `crash` begins the next life.
 */
export class LogLife extends MortalLog {
  /** Every content there ever was; cuts and resets begin another. */
  readonly #versions: Version[] = [{ start: 0, values: [] }];
  /** No record below may be asked for: retention may have removed it. */
  #startMax = 0;

  constructor(config: Partial<LogConfig>) {
    super(config, { keepsTail: true });
  }

  get #newest(): Version {
    return this.#versions.at(-1)!;
  }

  get end(): number {
    return this.#newest.start + this.#newest.values.length;
  }

  /** Appends batches as a leader, and waits until they are written. */
  append(batches: readonly number[], options: { sizeBytes?: number; waits?: boolean } = {}): Promise<void> {
    return this.living(async () => {
      for (const count of batches) {
        const values: string[] = [];
        for (let index = 0; index < count; index++) {
          values.push(`${this.end + index}@${this.epoch}`.padEnd(options.sizeBytes ?? 0, "."));
        }
        const producer = { id: 9, epoch: this.epoch, baseSequence: this.sequence };
        this.fixture.append(values, { epoch: this.epoch, producer, timestamp: 1000 + this.end });
        this.#newest.values.push(...values);
        this.sequence += count;
      }
      if (options.waits !== false) await this.fixture.written();
    });
  }

  truncateTo(end: number): Promise<void> {
    return this.living(async () => {
      const { start, values } = this.#newest;
      const log = this.fixture.log;
      // A batch goes as a whole: what stays is known only afterwards, and is never more than asked for.
      this.writtenEnd = Math.min(this.writtenEnd, this.#batchStart(end));
      this.syncedEnd = Math.min(this.syncedEnd, this.#batchStart(end));
      await log.truncateTo(offset(end));
      assert(log.logEnd <= end, "a cut leaves nothing at and above its offset");
      this.#versions.push({ start, values: values.slice(0, Math.max(0, log.logEnd - start)) });
      if (log.logEnd < start) this.#versions.push({ start: log.logEnd, values: [] });
      this.epoch++;
      this.sequence = 0;
    });
  }

  /** First offset of the batch that holds `at`, out of the log's tail in memory or, if gone, 0. */
  #batchStart(at: number): number {
    const views = this.fixture.log.readTail(offset(at), { endOffset: this.fixture.log.logEnd, maxBytes: 1 });
    const [first] = views ?? [];
    return first === undefined ? 0 : baseOffsetOf(first, 0);
  }

  resetTo(start: number): Promise<void> {
    return this.living(async () => {
      this.writtenEnd = 0;
      this.syncedEnd = 0;
      this.#versions.push({ start, values: [] });
      await this.fixture.log.resetTo(offset(start));
      this.epoch++;
      this.sequence = 0;
    });
  }

  /** Retention by size; everything is committed. */
  retain(): Promise<void> {
    return this.living(async () => {
      const { log, clock } = this.fixture;
      this.#startMax = Math.max(this.#startMax, log.writtenEnd);
      await log.applyRetention({ highWatermark: log.writtenEnd, nowMs: clock.now() });
    });
  }

  /** The log holds what was promised and nothing else, and all that is derived from the records agrees with them. */
  async check(): Promise<void> {
    const { log } = this.fixture;
    const views = await this.fixture.readAll();
    const values = valuesOf(views);
    assert(values.length === log.logEnd - this.#readStart(views), `${values.length} records up to ${log.logEnd}`);
    this.#checkContent(values, log.logEnd - values.length);
    assert(log.logEnd >= this.writtenEnd, `the log ends at ${log.logEnd}, promised was ${this.writtenEnd}`);
    assert(
      log.logStart <= Math.max(this.#startMax, ...this.#versions.map(({ start }) => start)),
      `the log starts at ${log.logStart}`,
    );
    this.#checkDerived(views);
    await this.#checkReads(values, log.logEnd - values.length);
    this.#goOnWith(values, log.logEnd - values.length);
  }

  #readStart(views: readonly Uint8Array[]): number {
    return views[0] === undefined ? this.fixture.log.logEnd : baseOffsetOf(views[0], 0);
  }

  #checkContent(values: readonly string[], start: number): void {
    const isKnown = values.length === 0 || this.#versionOf(values, start) !== undefined;
    assert(isKnown, `the content ${values.join(" ")} from ${start} was the log's at some time`);
  }

  /** The newest content that had all of `values` where they are. */
  #versionOf(values: readonly string[], start: number): Version | undefined {
    return this.#versions.findLast(
      (version) =>
        start >= version.start &&
        values.every((value, index) => version.values[start - version.start + index] === value),
    );
  }

  #checkDerived(views: readonly Uint8Array[]): void {
    const { log } = this.fixture;
    const producers = new ProducerStates();
    for (const view of views) {
      for (const at of batchPositions(view)) {
        producers.update(view, at, { lastOffset: lastOffsetOf(view, at), nowMs: 0 });
        const epoch = log.epochAt(baseOffsetOf(view, at));
        assert(epoch === leaderEpochOf(view, at), `epoch ${epoch} at ${baseOffsetOf(view, at)}`);
      }
    }
    const known = [...log.producers.batches()].filter((batch) => batch.lastOffset >= this.#readStart(views));
    const expected = [...producers.batches()].slice(-known.length);
    assert(known.length >= Math.min(1, producers.size), "producers of the records are known");
    assert(JSON.stringify(known) === JSON.stringify(expected), "producer state is that of the records");
  }

  async #checkReads(values: readonly string[], start: number): Promise<void> {
    const { log } = this.fixture;
    for (let at = log.logStart; at < log.logEnd; at = (at + 1) as Offset) {
      const [first] = await log.read(at, { endOffset: log.logEnd, maxBytes: 1 });
      assert(first !== undefined, `something is read at ${at}`);
      const held = valuesOf([first]);
      assert(held.includes(values[at - start]!), `the read at ${at} holds ${values[at - start]}, not ${held.join()}`);
      const base = baseOffsetOf(first, 0);
      const found = await log.offsetForTimestamp((1000 + base) as TimestampMs);
      assert(
        found?.offset === Math.max(base, log.logStart),
        `the time of ${base} is found there, not at ${found?.offset}`,
      );
    }
  }

  /** What is there now is the truth of the next life. */
  #goOnWith(values: readonly string[], start: number): void {
    // What lies below the log start is hidden, and may be shown again by an older checkpoint.
    const known = values.length === 0 ? undefined : this.#versionOf(values, start);
    const version = known ?? { start, values: [] };
    const hidden = version.values.slice(0, start - version.start);
    this.#versions.push({ start: version.start, values: [...hidden, ...values] });
    this.writtenEnd = this.fixture.log.writtenEnd;
    this.syncedEnd = Math.min(this.syncedEnd, this.end);
  }
}

/** Random lives, each with its end. */
export const liveAtRandom = (random: Random, config: Partial<LogConfig>): Promise<LogLife> =>
  liveAndDie(new LogLife(config), random, {
    deedsMax: 40,
    stepsToLive: (below) => 1 + below(below(10) === 0 ? 400 : 60),
    fatalRecoveryOneIn: 3,
    doSomething,
  });

async function doSomething(life: LogLife, below: Below): Promise<void> {
  switch (below(12)) {
    case 0:
      return await life.flush();
    case 1:
    case 2:
      return life.checkpoint();
    case 3:
      return await life.truncateTo(Math.max(0, life.end - below(12)));
    case 4:
      return await life.retain();
    case 5:
      return await life.restart();
    case 6:
      return below(6) === 0 ? await life.resetTo(life.end + below(20)) : undefined;
    default:
      return await life.append(
        Array.from({ length: 1 + below(4) }, () => 1 + below(3)),
        { sizeBytes: below(4) === 0 ? 600 : 0 },
      );
  }
}
