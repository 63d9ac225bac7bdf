import { assert } from "../../base/assert.ts";
import { type LeaderEpoch, type Offset, offset } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { baseOffsetOf, batchPositions, lastOffsetOf, leaderEpochOf } from "../../wire/record-batch.ts";
import { recordsOf } from "../../wire/record-batch-records.ts";
import type { LogConfig } from "../log-config.ts";
import type { Checkpoint } from "../log-recovery.ts";
import { LogFixture } from "./log-fixture.ts";
import type { CrashOptions } from "./memory-disk.ts";

const KILLED = "killed at this step";

interface Written {
  readonly key: string;
  readonly value: string;
}

/**
 * The life of a log with keys that is compacted now and then, on a disk that may die at any step. What it promises:
 * every offset up to the log's end has its place, every record is where it was written, and what is missing has its
 * successor in the log.
 */
export class CompactedLife {
  readonly fixture: LogFixture;
  /** Every content there ever was, from offset 0: cuts begin another. */
  readonly #versions: Written[][] = [[]];
  #writtenEnd = 0;
  #syncedEnd = 0;
  #checkpoint: Checkpoint | null = null;
  #epoch = 0;
  #sequence = 0;
  #step = 0;
  #dieAtStep = Number.MAX_SAFE_INTEGER;
  /** A cut took what had taken the place of other records: a crash in it may leave some of the rest. */
  #mayHaveHole = false;
  /** Runs that rewrote something. */
  compactions = 0;
  isDead = false;

  constructor(config: Partial<LogConfig>) {
    this.fixture = new LogFixture({ ...config, isCompacted: true, deletesOld: false });
    this.fixture.disk.onStep = () => {
      if (this.isDead || ++this.#step < this.#dieAtStep) return;
      this.isDead = true;
      throw new Error(KILLED);
    };
  }

  /** The log dies at its n-th step from now. */
  dieAt(step: number): void {
    this.#step = 0;
    this.#dieAtStep = step;
  }

  get #newest(): Written[] {
    return this.#versions.at(-1)!;
  }

  get end(): number {
    return this.#newest.length;
  }

  /** Runs `work` unless the log is dead; its death in it is no error. */
  async #living(work: () => Promise<void>): Promise<void> {
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
    this.#writtenEnd = Math.max(this.#writtenEnd, log.writtenEnd);
    this.#syncedEnd = Math.max(this.#syncedEnd, log.syncedEnd);
  }

  open(options: { isCleanStart: boolean } = { isCleanStart: false }): Promise<void> {
    return this.#living(async () => {
      const log = await this.fixture.open({ checkpoint: this.#checkpoint, ...options });
      log.setTailBytesMax(0);
      this.#epoch++;
      log.startEpoch(this.#epoch as LeaderEpoch);
      log.onDurable = () => this.#observe();
    });
  }

  /** Appends one batch as a leader, and waits until it is written. */
  append(keys: readonly string[]): Promise<void> {
    return this.#living(async () => {
      const records = keys.map((key, index) => ({ key, value: `${this.end + index}@${this.#epoch}` }));
      const producer = { id: 9, epoch: this.#epoch, baseSequence: this.#sequence };
      this.#sequence += keys.length;
      this.#newest.push(...records);
      this.fixture.appendKeyed(
        records.map(({ key, value }) => [key, value] as const),
        { epoch: this.#epoch, producer, timestamp: 1000 + this.end },
      );
      await this.fixture.written();
    });
  }

  compact(): Promise<void> {
    return this.#living(async () => {
      const run = await this.fixture.compact();
      assert(run.outcome === "done", "nobody overtakes a run here");
      if (run.bytesBefore > run.bytesAfter) this.compactions++;
    });
  }

  flush(): Promise<void> {
    return this.#living(() => this.fixture.log.flush());
  }

  /** What the broker's checkpoint files say from now on: written now and then, after the fact. */
  checkpoint(): void {
    if (!this.isDead) this.#checkpoint = this.fixture.checkpoint;
  }

  truncateTo(end: number): Promise<void> {
    return this.#living(async () => {
      const { log } = this.fixture;
      // How far back it goes is known only afterwards.
      this.#writtenEnd = 0;
      this.#syncedEnd = 0;
      this.#versions.push(this.#newest.slice(0, end));
      const superseded = log.compaction.supersededEnd;
      this.#mayHaveHole ||= end < superseded;
      await log.truncateTo(offset(end));
      if (end < superseded) assert(log.logEnd === 0, "a log that lost what took the place of others is empty");
      this.#versions.push(this.#newest.slice(0, log.logEnd));
      this.#epoch++;
      this.#sequence = 0;
    });
  }

  /** Closes and opens again, as at a clean stop. */
  restart(): Promise<void> {
    return this.#living(async () => {
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
    if (options.losesPageCache) this.#writtenEnd = Math.min(this.#writtenEnd, this.#syncedEnd);
    await this.open();
  }

  /** The log holds what was promised and nothing else. */
  async check(): Promise<void> {
    const { log } = this.fixture;
    const held = new Map<number, Written>();
    let next = 0;
    for (const view of await this.fixture.readAll()) {
      for (const at of batchPositions(view)) {
        assert(baseOffsetOf(view, at) === next, `a batch begins at ${next}, not at ${baseOffsetOf(view, at)}`);
        next = lastOffsetOf(view, at) + 1;
        const epoch = log.epochAt(baseOffsetOf(view, at));
        assert(epoch === leaderEpochOf(view, at), `epoch ${epoch} at ${baseOffsetOf(view, at)}`);
        for (const { offset: place, key, value } of recordsOf(view, at)) {
          held.set(place, { key: textOf(key), value: textOf(value) });
        }
      }
    }
    assert(next === log.logEnd, `the last batch ends at ${log.logEnd}, not at ${next}`);
    const names = await this.fixture.disk.list("orders-0");
    const leftOver = names.filter((name) => name.endsWith(".cleaned") || name.endsWith(".swap"));
    assert(leftOver.length === 0, `recovery leaves nothing of compaction: ${leftOver.join()}`);
    assert(log.logEnd >= this.#writtenEnd, `the log ends at ${log.logEnd}, promised was ${this.#writtenEnd}`);
    if (log.compaction.hasHole) return await this.#fillHole();
    const version = this.#versions.findLast((one) => faultOf(one, held, log.logEnd) === null);
    const fault = faultOf(this.#newest, held, log.logEnd);
    assert(version !== undefined, `the content was the log's at some time: ${fault}`);
    this.#versions.push(version.slice(0, log.logEnd));
    this.#writtenEnd = log.writtenEnd;
    this.#syncedEnd = Math.min(this.#syncedEnd, this.end);
  }

  /** As a follower does, before it copies the log anew. */
  async #fillHole(): Promise<void> {
    assert(this.#mayHaveHole && this.fixture.recovery.isDamaged, "a hole comes of a cut only, and is told");
    await this.fixture.log.resetTo(offset(0));
    await this.fixture.disk.remove("orders-0/damaged");
    assert(!this.fixture.log.compaction.hasHole, "an empty log has no hole");
    this.#mayHaveHole = false;
    this.#versions.push([]);
    this.#writtenEnd = 0;
    this.#syncedEnd = 0;
    this.#sequence = 0;
  }
}

const textOf = (bytes: Uint8Array | null): string => Buffer.from(bytes ?? []).toString();

/** Why what is `held` up to `end` cannot be left of `version` by compaction; null when it can. */
function faultOf(version: readonly Written[], held: ReadonlyMap<number, Written>, end: Offset): string | null {
  if (version.length < end) return `it had ${version.length} records, and ${end} are there`;
  const newest = new Map<string, number>();
  for (let at = end - 1; at >= 0; at--) {
    const { key, value } = version[at]!;
    const found = held.get(at);
    if (found === undefined && !newest.has(key)) return `${key} at ${at} is missing and has no successor`;
    if (found !== undefined && (found.key !== key || found.value !== value)) return `another record at ${at}`;
    if (!newest.has(key)) newest.set(key, at);
  }
  return null;
}

/** One life of random deeds, some deaths included. */
export async function compactAtRandom(random: Random, config: Partial<LogConfig>): Promise<CompactedLife> {
  const below = (bound: number): number => Math.floor(random.next() * bound);
  const life = new CompactedLife(config);
  await life.open();
  for (let death = 0; death < 4; death++) {
    life.dieAt(1 + below(below(3) === 0 ? 600 : 150));
    for (let deed = 0; deed < 60 && !life.isDead; deed++) await doSomething(life, below);
    do {
      // Recovery may die, too.
      life.dieAt(below(2) === 0 ? 1 + below(30) : Number.MAX_SAFE_INTEGER);
      await life.crash({ losesPageCache: below(2) === 0, ...(below(2) === 0 ? { random } : {}) });
    } while (life.isDead);
    life.dieAt(Number.MAX_SAFE_INTEGER);
    await life.check();
  }
  return life;
}

async function doSomething(life: CompactedLife, below: (bound: number) => number): Promise<void> {
  switch (below(14)) {
    case 0:
      return await life.flush();
    case 1:
      return life.checkpoint();
    case 2:
      return await life.truncateTo(Math.max(0, life.end - below(below(4) === 0 ? 40 : 5)));
    case 3:
      return await life.restart();
    case 4:
    case 5:
    case 6:
      return await life.compact();
    default:
      return await life.append(Array.from({ length: 1 + below(3) }, () => `key-${below(6)}`));
  }
}
