import type { Clock } from "../base/clock.ts";

/** The machine's time. Timers do not keep a process alive on their own account: its servers do. */
export const nodeClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, fn) {
    const timer = setTimeout(fn, delayMs);
    return { cancel: () => clearTimeout(timer) };
  },
  soon(fn) {
    setImmediate(fn);
  },
};
