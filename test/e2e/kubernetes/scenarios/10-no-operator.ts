import { setTimeout as sleep } from "node:timers/promises";
import { type Context, figuresOf } from "../context.ts";

export const name = "no operator for two minutes";

const AWAY_MS = 120_000;
const GAP_MS_MAX = 1000;

/** Brokers need the operator for changes only: without one, writing goes on. */
export async function run(context: Context): Promise<string> {
  const outcome = await context.underLoad(async (_topic, load) => {
    await context.scaleOperator(0);
    try {
      load.forgetGaps();
      await sleep(AWAY_MS);
      await load.goesOn();
      if (load.gapMs() > GAP_MS_MAX) throw new Error(`a partition was silent for ${Math.round(load.gapMs())} ms`);
    } finally {
      await context.scaleOperator(2);
    }
    return "";
  });
  return figuresOf(outcome);
}
