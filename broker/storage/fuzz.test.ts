import { expect, test } from "@jest/globals";
import { fuzz } from "./testing/fuzz.ts";

/** Seeds that once broke something, each with what it was. */
const seeds: Readonly<Record<number, string>> = {
  19: "the last time index entry of a segment that ended at the recovery point was lost",
  37: "a search by time did not look behind the log start within a batch",
  395: "a folder sync under way counted as done",
  647: "a cut was not synced before a clean stop",
};

test.each(Object.entries(seeds))("the log of seed %s lives: %s", async (seed) => {
  await expect(fuzz(Number(seed))).resolves.toBeUndefined();
});

test("random lives end as promised", async () => {
  for (let seed = 100_000; seed < 100_060; seed++) {
    await expect(fuzz(seed).catch((error: unknown) => `seed ${seed}: ${String(error)}`)).resolves.toBeUndefined();
  }
});
