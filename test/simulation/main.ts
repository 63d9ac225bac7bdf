import { parseArgs } from "node:util";
import { counterNames, noCounts } from "./oracle/facts.ts";
import type { RunResult } from "./run.ts";

/*
 * node test/simulation/main.ts --seed N [--seeds M] [--plant NAME] [--trace]
 * Runs M seeds from N on; exit code 1 when one of them breaks an invariant. The same seed always runs the same.
 */

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    seeds: { type: "string", default: "1" },
    plant: { type: "string" },
    trace: { type: "boolean", default: false },
    quiet: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    "keep-going": { type: "boolean", default: false },
  },
});

const print = (line: string): void => void process.stdout.write(`${line}\n`);

function describe(result: RunResult): string {
  const { seed, digest, events, virtualMs, counters, losses } = result;
  const counts = counterNames.map((name) => `${name} ${counters[name]}`).join(", ");
  const lost = losses.length === 0 ? "" : `; listed losses: ${JSON.stringify(losses)}`;
  return `seed ${seed} digest ${digest}: ${events} events, ${virtualMs} ms, ${counts}${lost}`;
}

function verdict({ seed, violation, bugs, misbehaviours }: RunResult): string | null {
  if (violation !== null) {
    const what = violation.invariant === 0 ? "liveness" : `invariant ${violation.invariant}`;
    return `seed ${seed} breaks ${what} at ${violation.atMs} ms: ${violation.text}`;
  }
  const [bug] = bugs;
  if (bug !== undefined) {
    const error = Error.isError(bug.error) ? (bug.error.stack ?? bug.error.message) : String(bug.error);
    return `seed ${seed}: ${bug.process} threw at ${Math.round(bug.atMs)} ms: ${error}`;
  }
  return misbehaviours.length > 0 ? `seed ${seed}: ${misbehaviours[0]}` : null;
}

async function main(): Promise<void> {
  if (values.plant !== undefined) (await import("./plants/hook.ts")).plant(values.plant);
  const { runSeed } = await import("./run-seed.ts");
  const first = Number(values.seed);
  const total = noCounts();
  let failed = 0;
  let count = 0;
  const startMs = performance.now();
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    const result = await runSeed(seed, {
      trace: values.trace ? print : null,
      toleratesBugs: values.plant !== undefined,
    });
    count++;
    for (const name of counterNames) total[name] += result.counters[name];
    if (values.json) print(JSON.stringify({ ...result, bugs: result.bugs.map(({ error }) => String(error)) }));
    else if (!values.quiet) print(describe(result));
    const problem = verdict(result);
    if (problem === null) continue;
    failed++;
    print(problem);
    // With a plant, a run that merely never heals is not yet the proof that is wanted.
    const isFound = (result.violation?.invariant ?? 0) > 0;
    if (!values["keep-going"] && (values.plant === undefined || isFound)) break;
  }
  const seconds = (performance.now() - startMs) / 1000;
  print(
    `${count} seeds in ${seconds.toFixed(1)} s: ${counterNames.map((name) => `${name} ${total[name]}`).join(", ")}`,
  );
  if (failed > 0) process.exitCode = 1;
}

await main();
