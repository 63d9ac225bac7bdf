import { availableParallelism } from "node:os";
import { plants } from "./plants/plants.ts";
import { inParallel, runChild } from "./pool.ts";

/*
 * node test/simulation/plants.ts [NAME…]
 * Shows that the simulator can fail: each planted bug must break an invariant within the first 200 seeds of the very
 * workload that runs without plants. A process that merely dies of it does not count.
 */

const SEEDS = 200;

export interface Finding {
  readonly name: string;
  /** Null when no invariant broke. */
  readonly found: string | null;
}

export async function findPlant(name: string): Promise<Finding> {
  const { lines } = await runChild(["--plant", name, "--seed", "1", "--seeds", String(SEEDS), "--quiet"]);
  const found = lines.find((line) => /^seed \d+ breaks invariant /.test(line)) ?? null;
  return { name, found };
}

async function main(names: readonly string[]): Promise<void> {
  const wanted = plants.filter(({ name }) => names.length === 0 || names.includes(name));
  const jobs = wanted.map(({ name, story }) => async () => {
    const finding = await findPlant(name);
    process.stdout.write(`${name} (${story}): ${finding.found ?? `NOT FOUND in ${SEEDS} seeds`}\n`);
    return finding;
  });
  const findings = await inParallel(jobs, availableParallelism());
  const missed = findings.filter(({ found }) => found === null);
  process.stdout.write(`${findings.length - missed.length} of ${findings.length} planted bugs found\n`);
  if (missed.length > 0 || findings.length === 0) process.exitCode = 1;
}

if (import.meta.main) await main(process.argv.slice(2));
