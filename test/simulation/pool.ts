import { spawn } from "node:child_process";

/** What one child process printed and how it ended. */
export interface ChildResult {
  readonly lines: readonly string[];
  readonly exitCode: number;
}

/** Runs the simulator in a process of its own; `onLine` sees each line as it comes. */
export function runChild(args: readonly string[], onLine: (line: string) => void = () => {}): Promise<ChildResult> {
  return new Promise((resolve, reject) => {
    const main = new URL("./main.ts", import.meta.url).pathname;
    const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "inherit"] });
    const lines: string[] = [];
    let rest = "";
    child.stdout.setEncoding("utf8");
    child.stdout.on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      for (const line of parts) {
        lines.push(line);
        onLine(line);
      }
    });
    child.once("error", reject);
    child.once("close", (code) => resolve({ lines, exitCode: code ?? 1 }));
  });
}

/** Works through `jobs`, `width` at a time, in order. */
export async function inParallel<T>(jobs: readonly (() => Promise<T>)[], width: number): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let place = next++; place < jobs.length; place = next++) {
      const job = jobs[place];
      if (job !== undefined) results[place] = await job();
    }
  };
  await Promise.all(Array.from({ length: width }, work));
  return results;
}
