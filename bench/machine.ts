import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** Ticks of utime and stime in /proc: USER_HZ, 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;

function statOf(pid: number): string[] {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  return text.slice(text.lastIndexOf(")") + 2).split(" ");
}

/** User and system time that these processes have used since they began, in seconds. */
export function cpuSeconds(pids: readonly number[]): number {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statOf(pid);
    ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

/** Time that this machine's processors have had nothing to do since it was started, all together, in seconds. */
export function idleSeconds(): number {
  const [, , , , idle] = (readFileSync("/proc/stat", "utf8").split("\n", 1)[0] ?? "").split(/\s+/);
  return Number(idle) / ticksPerSecond;
}

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (match === null) throw new Error(`process ${pid} has no resident memory: it has ended`);
  return Number(match[1]) * 1024;
}

export const describeMachine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ` +
  `${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}`;

export const sleep = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

export const nowMs = (): number => performance.now();
