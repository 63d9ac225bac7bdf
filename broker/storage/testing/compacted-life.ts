import { assert } from "../../base/assert.ts";
import { type Offset, offset } from "../../base/ids.ts";
import type { Random } from "../../base/random.ts";
import { baseOffsetOf, batchPositions, lastOffsetOf, leaderEpochOf } from "../../wire/record-batch.ts";
import { recordsOf } from "../../wire/record-batch-records.ts";
import type { LogConfig } from "../log-config.ts";
import { type Below, liveAndDie, MortalLog } from "./mortal-log.ts";

interface Written {
  readonly key: string;
  readonly value: string;
}

/**
 * The life of a log with keys that is compacted now and then, on a disk that may die at any step. What it promises:
 * every offset up to the log's end has its place, every record is where it was written, and what is missing has its
 * successor in the log.
 */
export class CompactedLife extends MortalLog {
  /** Every content there ever was, from offset 0: cuts begin another. */
  readonly #versions: Written[][] = [[]];
  /** A cut took what had taken the place of other records: a crash in it may leave some of the rest. */
  #mayHaveHole = false;
  /** Runs that rewrote something. */
  compactions = 0;

  constructor(config: Partial<LogConfig>) {
    super({ ...config, isCompacted: true, deletesOld: false }, { keepsTail: false });
  }

  get #newest(): Written[] {
    return this.#versions.at(-1)!;
  }

  get end(): number {
    return this.#newest.length;
  }

  /** Appends one batch as a leader, and waits until it is written. */
  append(keys: readonly string[]): Promise<void> {
    return this.living(async () => {
      const records = keys.map((key, index) => ({ key, value: `${this.end + index}@${this.epoch}` }));
      const producer = { id: 9, epoch: this.epoch, baseSequence: this.sequence };
      this.sequence += keys.length;
      this.#newest.push(...records);
      this.fixture.appendKeyed(
        records.map(({ key, value }) => [key, value] as const),
        { epoch: this.epoch, producer, timestamp: 1000 + this.end },
      );
      await this.fixture.written();
    });
  }

  compact(): Promise<void> {
    return this.living(async () => {
      const run = await this.fixture.compact();
      assert(run.outcome === "done", "nobody overtakes a run here");
      if (run.bytesBefore > run.bytesAfter) this.compactions++;
    });
  }

  truncateTo(end: number): Promise<void> {
    return this.living(async () => {
      const { log } = this.fixture;
      // How far back it goes is known only afterwards.
      this.writtenEnd = 0;
      this.syncedEnd = 0;
      this.#versions.push(this.#newest.slice(0, end));
      const superseded = log.compaction.supersededEnd;
      this.#mayHaveHole ||= end < superseded;
      await log.truncateTo(offset(end));
      if (end < superseded) assert(log.logEnd === 0, "a log that lost what took the place of others is empty");
      this.#versions.push(this.#newest.slice(0, log.logEnd));
      this.epoch++;
      this.sequence = 0;
    });
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
    assert(log.logEnd >= this.writtenEnd, `the log ends at ${log.logEnd}, promised was ${this.writtenEnd}`);
    if (log.compaction.hasHole) return await this.#fillHole();
    const version = this.#versions.findLast((one) => faultOf(one, held, log.logEnd) === null);
    const fault = faultOf(this.#newest, held, log.logEnd);
    assert(version !== undefined, `the content was the log's at some time: ${fault}`);
    this.#versions.push(version.slice(0, log.logEnd));
    this.writtenEnd = log.writtenEnd;
    this.syncedEnd = Math.min(this.syncedEnd, this.end);
  }

  /** As a follower does, before it copies the log anew. */
  async #fillHole(): Promise<void> {
    assert(this.#mayHaveHole && this.fixture.recovery.isDamaged, "a hole comes of a cut only, and is told");
    await this.fixture.log.resetTo(offset(0));
    await this.fixture.disk.remove("orders-0/damaged");
    assert(!this.fixture.log.compaction.hasHole, "an empty log has no hole");
    this.#mayHaveHole = false;
    this.#versions.push([]);
    this.writtenEnd = 0;
    this.syncedEnd = 0;
    this.sequence = 0;
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

/** Random lives, each with its end. */
export const compactAtRandom = (random: Random, config: Partial<LogConfig>): Promise<CompactedLife> =>
  liveAndDie(new CompactedLife(config), random, {
    deedsMax: 60,
    stepsToLive: (below) => 1 + below(below(3) === 0 ? 600 : 150),
    fatalRecoveryOneIn: 2,
    doSomething,
  });

async function doSomething(life: CompactedLife, below: Below): Promise<void> {
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
