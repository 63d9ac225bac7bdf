import { Run, type RunResult } from "./run.ts";

/**
 * Runs one seed to its end, in one callback of the event loop: promise callbacks are drained by the scheduler, and
 * nothing else can come in between.
 */
export function runSeed(
  seed: number,
  options: { trace: ((line: string) => void) | null; toleratesBugs: boolean },
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      const run = new Run(seed, options);
      const onUnhandled = (error: unknown): void => run.onUnhandled(error);
      process.on("unhandledRejection", onUnhandled);
      try {
        resolve(run.execute(options));
      } catch (error) {
        reject(error);
      } finally {
        process.off("unhandledRejection", onUnhandled);
      }
    });
  });
}
