import type { Clock } from "../base/clock.ts";

/** What is to run soon, in order: with `setImmediate` for each, a chain of them would take as many turns. */
let soon: (() => void)[] = [];

/** Then the event loop has its turn, whatever is left. */
const CALLS_MAX = 10_000;

/** Runs what is to run soon, what that asks for included: writes, then what waits for them, then what tells of them. */
function runSoon(): void {
  let count = 0;
  try {
    while (count < soon.length && count < CALLS_MAX) soon[count++]!();
  } finally {
    // Those behind one that has thrown have their turn all the same.
    soon = count === soon.length ? [] : soon.slice(count);
    if (soon.length > 0) setImmediate(runSoon);
  }
}

/** The machine's time. Timers do not keep a process alive on their own account: its servers do. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  soon(fn) {
    if (soon.push(fn) === 1) setImmediate(runSoon);
  },
};
