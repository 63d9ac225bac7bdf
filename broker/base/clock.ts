/** A scheduled call that may still be taken back. */
export interface Timer {
  cancel(): void;
}

/** Time as a port: the simulator's is virtual. Nothing else in the rooms may ask for the time or set a timer. */
export interface Clock {
  /** Wall clock, milliseconds since 1970. May jump. Only for timestamps that people or clients see. */
  now(): number;
  /** Milliseconds from an arbitrary start; never falls. For every time-out and every age. */
  monotonic(): number;
  /** Calls `fn` once after `delayMs` ≥ 0 milliseconds. */
  after(delayMs: number, fn: () => void): Timer;
  /**
   * Calls `fn` once, as soon as everything that is ready now (sockets, completed writes) has been handled. For work
   * that gathers what the same moment brings into one write; adds no delay when nothing else is ready.
   */
  soon(fn: () => void): void;
}

/** Resolves after `delayMs` milliseconds of `clock`. */
export const sleep = (clock: Clock, delayMs: number): Promise<void> =>
  new Promise((resolve) => clock.after(delayMs, resolve));

/** Calls `fn` every `periodMs` until cancelled; the next period starts when `fn` has returned. */
export function every(clock: Clock, periodMs: number, fn: () => void): Timer {
  let timer = clock.after(periodMs, tick);
  let isCancelled = false;
  function tick(): void {
    fn();
    if (!isCancelled) timer = clock.after(periodMs, tick);
  }
  return {
    cancel() {
      isCancelled = true;
      timer.cancel();
    },
  };
}
