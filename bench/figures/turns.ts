import { isClose } from "../statistics.ts";
import { type Context, type Pair, say } from "./context.ts";

/** One thing that is measured again and again. */
export interface Turn<W> {
  /** One window; what warms up the client is left out of it. */
  measure(pair: Pair, windowMs: number): Promise<W>;
  /** What tells whether a system is warm. */
  figureOf(window: W): number;
  describe(pair: Pair, window: W): string;
  /** Called with each window that counts. */
  seen(pair: Pair, window: W): void;
}

/** Measures until two successive windows of a system differ by less than 10 %, at most as often as agreed. */
async function warmUp<W>({ extent }: Context, pair: Pair, turn: Turn<W>): Promise<void> {
  let before = 0;
  for (let run = 0; run < extent.warmUpRunsMax; run++) {
    const window = await turn.measure(pair, extent.warmUpWindowMs);
    say(`warming up ${turn.describe(pair, window)}`);
    const now = turn.figureOf(window);
    if (isClose({ first: before, second: now, part: 0.1 })) return;
    before = now;
  }
}

/** Warm runs of one measurement, the systems by turns. */
export async function warmTurns<W>(context: Context, pairs: readonly Pair[], turn: Turn<W>): Promise<void> {
  for (const pair of pairs) await warmUp(context, pair, turn);
  for (let run = 0; run < context.extent.runs; run++) {
    for (const pair of pairs) {
      const window = await turn.measure(pair, context.extent.windowMs);
      say(turn.describe(pair, window));
      turn.seen(pair, window);
    }
  }
}
