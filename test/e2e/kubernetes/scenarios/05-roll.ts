import { type Context, figuresOf } from "../context.ts";
import { roll } from "../roll.ts";

export const name = "roll all brokers under load";

/** Every broker is made anew, one at a time, and no partition may have fewer than two replicas in sync meanwhile. */
export async function run(context: Context): Promise<string> {
  const outcome = await context.underLoad(async (topic, load) => {
    let inSyncMin = Number.POSITIVE_INFINITY;
    load.forgetGaps();
    const started = performance.now();
    await roll(context, async () => {
      const states = await context.partitions(topic).catch(() => []);
      for (const { isr } of states) inSyncMin = Math.min(inSyncMin, isr.length);
    });
    if (inSyncMin < 2) throw new Error(`a partition was down to ${inSyncMin} in-sync replicas`);
    return `${((performance.now() - started) / 1000).toFixed(0)} s, never below ${inSyncMin} in sync`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
