import { expect, jest, test } from "@jest/globals";
import { CompactedLife, compactAtRandom } from "./testing/compacted-life.ts";
import { seededRandom } from "./testing/log-fixture.ts";

// Some hundred lives each: seconds, and many of them where others compute besides.
jest.setTimeout(120_000);

const small = { segmentBytes: 500, indexIntervalBytes: 100 };

async function appendMany(life: CompactedLife, count: number): Promise<void> {
  for (let index = 0; index < count; index++) await life.append([`key-${index % 4}`, `key-${index % 3}`]);
}

/** Everything that compaction does to files, and what others do to its. */
async function live(life: CompactedLife): Promise<void> {
  await life.open();
  await appendMany(life, 14);
  life.checkpoint();
  await life.compact();
  await appendMany(life, 6);
  await life.compact();
  life.checkpoint();
  await life.restart();
  await appendMany(life, 4);
  await life.truncateTo(life.end - 2);
  await life.compact();
  await life.truncateTo(3);
  await appendMany(life, 8);
  await life.compact();
}

const crashes = {
  "a process": () => ({ losesPageCache: false }),
  "a machine, losing all that was not synced": () => ({ losesPageCache: true }),
  "a machine, losing some of it": (seed: number) => ({ losesPageCache: true, random: seededRandom(seed) }),
};

test.each(Object.entries(crashes))(
  "at every step of compaction, after the crash of %s, no key is lost",
  async (_, of) => {
    let steps = 0;
    for (let step = 1; ; step++) {
      const life = new CompactedLife(small);
      life.dieAt(step);
      await live(life);
      if (!life.isDead) {
        expect(life.compactions).toBe(4);
        break;
      }
      steps++;
      life.dieAt(Number.MAX_SAFE_INTEGER);
      await life.crash(of(step));
      await life.check().catch((error: unknown) => {
        throw new Error(`at step ${step}: ${String(error)}`, { cause: error });
      });
    }
    expect(steps).toBeGreaterThan(200);
  },
);

/** Seeds that once broke something, each with what it was. */
const seeds: Readonly<Record<number, string>> = {
  1539: "the mark of what was superseded came back after the log had been emptied",
  1677: "the indexes of a replaced segment came back, as recovery had not synced their removal",
};

test("random lives with compaction end as promised", async () => {
  let compactions = 0;
  for (const seed of [...Object.keys(seeds).map(Number), ...Array.from({ length: 60 }, (_, index) => 1 + index)]) {
    const life = await compactAtRandom(seededRandom(seed), small).catch((error: unknown) => {
      throw new Error(`seed ${seed}: ${String(error)}`, { cause: error });
    });
    compactions += life.compactions;
  }
  expect(compactions).toBeGreaterThan(60);
});
