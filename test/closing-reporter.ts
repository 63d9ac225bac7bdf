import { writeSync } from "node:fs";

/** What Jest hands a reporter at the end of a run; only what is used here. */
interface RunResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly numTotalTestSuites: number;
  readonly startTime: number;
}

/** Closes a Jest run with one plain line, for people and for programs that read the last line of a log. */
export default class ClosingReporter {
  onRunComplete(_contexts: unknown, results: RunResults): void {
    const seconds = ((Date.now() - results.startTime) / 1000).toFixed(1);
    const broken = results.numRuntimeErrorTestSuites;
    const note = broken > 0 ? ` (${broken} files could not run)` : "";
    const counts = `${results.numPassedTests} passed, ${results.numFailedTests + broken} failed${note}`;
    const line = `${counts} in ${results.numTotalTestSuites} files, ${seconds} s\n`;
    // Jest writes its own summary after the reporters: only at the very end is this the last line.
    process.on("exit", () => writeSync(1, line));
  }
}
