import { seededRandom } from "./log-fixture.ts";
import { liveAtRandom } from "./log-life.ts";

/*
 * Random lives of a log, many: `node broker/storage/testing/fuzz.ts [SEEDS] [FIRST]`. Prints the seed of the first that
 * breaks what the log promises, and exits 1.
 */

const configs = [
  { indexIntervalBytes: 200 },
  { segmentBytes: 700, indexIntervalBytes: 150, retentionBytes: 2000 },
  { segmentBytes: 2500, indexIntervalBytes: 300, retentionBytes: 4000, flushMessages: 1 },
];

/** The life of one seed; throws what broke. */
export const fuzz = async (seed: number): Promise<void> => {
  await liveAtRandom(seededRandom(seed), configs[seed % configs.length]!);
};

if (import.meta.main) {
  const [seeds, first] = process.argv.slice(2).map(Number);
  for (let seed = first ?? 1; seed < (first ?? 1) + (seeds ?? 1000); seed++) {
    try {
      await fuzz(seed);
    } catch (error) {
      process.stdout.write(`seed ${seed}: ${Error.isError(error) ? error.stack : String(error)}\n`);
      process.exit(1);
    }
  }
  process.stdout.write(`${seeds ?? 1000} lives, nothing broken\n`);
}
