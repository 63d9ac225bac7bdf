import { describe, expect, test } from "@jest/globals";
import { runChild } from "./pool.ts";

interface Line {
  readonly seed: number;
  readonly digest: string;
  readonly virtualMs: number;
  readonly violation: unknown;
  readonly bugs: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
}

async function run(args: readonly string[]): Promise<{ seeds: Line[]; exitCode: number; lines: readonly string[] }> {
  const { lines, exitCode } = await runChild([...args, "--json"]);
  const seeds = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line);
  return { seeds, exitCode, lines };
}

describe("the simulator", () => {
  test("runs a few seeds without breaking an invariant, each long and eventful enough", async () => {
    const { seeds, exitCode } = await run(["--seed", "1", "--seeds", "4"]);
    expect(exitCode).toBe(0);
    expect(seeds.map(({ seed }) => seed)).toEqual([1, 2, 3, 4]);
    for (const { virtualMs, violation, bugs, counters } of seeds) {
      expect(violation).toBeNull();
      expect(bugs).toEqual([]);
      expect(virtualMs).toBeGreaterThanOrEqual(60_000);
      expect(counters["ackedRecords"]).toBeGreaterThanOrEqual(2000);
      expect(counters["faults"]).toBeGreaterThanOrEqual(10);
    }
  }, 120_000);

  test("runs a seed the same way each time, alone or after others", async () => {
    const [alone, after] = await Promise.all([run(["--seed", "8"]), run(["--seed", "7", "--seeds", "2"])]);
    expect(alone.seeds[0]?.digest).toBe(after.seeds[1]?.digest);
    expect(alone.seeds[0]?.counters).toEqual(after.seeds[1]?.counters);
  }, 120_000);

  test("finds a planted bug by an invariant, and says so by its exit code", async () => {
    const { lines, exitCode } = await run(["--seed", "1", "--seeds", "20", "--plant", "ack-on-append"]);
    expect(lines.some((line) => /^seed \d+ breaks invariant [12] /.test(line))).toBe(true);
    expect(exitCode).toBe(1);
  }, 120_000);
});
