import { availableParallelism } from "node:os";
import { type Counters, counterNames, noCounts } from "./oracle/facts.ts";
import { inParallel, runChild } from "./pool.ts";
import { findPlant } from "./plants.ts";
import { plants } from "./plants/plants.ts";
import { seeds } from "./seeds.ts";

/*
 * node test/simulation/ci.ts [SEEDS] [FIRST]
 * Runs the seeds that once found bugs, then SEEDS fresh ones (2,000), in as many processes as there are cores, and
 * checks that over all of them enough happened for silence to mean something. Last, every planted bug must be found.
 */

/** What must have happened at least, over 2,000 seeds. */
const LEAST_OF_2000: Partial<Counters> = {
  elections: 5000,
  electionsFromElr: 1000,
  waitsForAll: 200,
  truncations: 1000,
  duplicateAnswers: 1000,
  takeovers: 500,
  unknownCommits: 200,
  reassigned: 3000,
  cancelled: 500,
  removedReplicas: 3000,
  retired: 8000,
  deletions: 2000,
  cleanings: 20_000,
  cleanedRecords: 1_000_000,
  expiredTombstones: 20_000,
  interruptedCleanings: 200,
  generations: 12_000,
  offsetCommits: 150_000,
  offsetFetches: 30_000,
  coordinatorMoves: 4000,
  readOfFollowers: 500_000,
};
/** What each seed must have by itself. */
const LEAST_A_SEED = { virtualMs: 60_000, ackedRecords: 2000, faults: 10 } as const;
const SEEDS_A_CHILD = 25;

interface SeedLine {
  readonly seed: number;
  readonly virtualMs: number;
  readonly events: number;
  readonly counters: Counters;
}

class Tally {
  readonly total = noCounts();
  readonly problems: string[] = [];
  seeds = 0;
  events = 0;
  readonly #startMs = performance.now();

  take(line: string): void {
    if (!line.startsWith("{")) {
      if (/^seed \d+(:| breaks)/.test(line)) this.#fail(line);
      return;
    }
    const { seed, virtualMs, counters, events } = JSON.parse(line) as SeedLine;
    this.seeds++;
    this.events += events;
    for (const name of counterNames) this.total[name] += counters[name];
    if (virtualMs < LEAST_A_SEED.virtualMs) this.#fail(`seed ${seed} ran ${virtualMs} ms only`);
    if (counters.ackedRecords < LEAST_A_SEED.ackedRecords) this.#fail(`seed ${seed}: ${counters.ackedRecords} acked`);
    if (counters.faults < LEAST_A_SEED.faults) this.#fail(`seed ${seed}: ${counters.faults} faults`);
    if (this.seeds % 100 === 0) this.print();
  }

  #fail(problem: string): void {
    this.problems.push(problem);
    process.stdout.write(`${problem}\n`);
  }

  print(): void {
    const seconds = ((performance.now() - this.#startMs) / 1000).toFixed(0);
    const counts = counterNames.map((name) => `${name} ${this.total[name]}`).join(", ");
    process.stdout.write(`${this.seeds} seeds, ${seconds} s, ${this.events} events: ${counts}\n`);
  }

  checkTotals(wanted: number): void {
    if (this.seeds < wanted) this.problems.push(`${this.seeds} of ${wanted} seeds came to an end`);
    for (const [name, least] of Object.entries(LEAST_OF_2000)) {
      const needed = Math.ceil((least * wanted) / 2000);
      const seen = this.total[name as keyof Counters];
      if (seen < needed) this.problems.push(`${name}: ${seen}, at least ${needed} must be seen`);
    }
  }
}

async function main(): Promise<void> {
  const [wanted = 2000, first = 1] = process.argv.slice(2).map(Number);
  const tally = new Tally();
  const ranges: (readonly [number, number])[] = seeds.map(({ seed }) => [seed, 1]);
  for (let at = first; at < first + wanted; at += SEEDS_A_CHILD) {
    ranges.push([at, Math.min(SEEDS_A_CHILD, first + wanted - at)]);
  }
  const jobs = ranges.map(([seed, count]) => () => {
    const args = ["--seed", String(seed), "--seeds", String(count), "--json", "--keep-going"];
    return runChild(args, (line) => tally.take(line));
  });
  await inParallel(jobs, availableParallelism());
  tally.print();
  tally.checkTotals(wanted);
  const findings = await inParallel(
    plants.map(
      ({ name }) =>
        () =>
          findPlant(name),
    ),
    availableParallelism(),
  );
  for (const { name, found } of findings) {
    if (found === null) tally.problems.push(`planted bug ${name} was not found`);
    else process.stdout.write(`planted ${name}: ${found}\n`);
  }
  for (const problem of tally.problems) process.stdout.write(`FAILED ${problem}\n`);
  if (tally.problems.length > 0) process.exitCode = 1;
}

await main();
