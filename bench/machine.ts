import { closeSync, openSync, readFileSync, rmSync, writeSync } from "node:fs";
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

/** Resident memory of a process in bytes. */
export function residentBytes(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (match === null) throw new Error(`process ${pid} has no resident memory: it has ended`);
  return Number(match[1]) * 1024;
}

export const describeMachine = (): string =>
  `${cpus().length} × ${cpus()[0]?.model ?? "unknown processor"}, ` +
  `${Math.round(totalmem() / 2 ** 30)} GiB, Linux ${release()}, Node ${process.versions.node}`;

/** Memory left to the programs that run beside the bench. */
const SPARED_BYTES = 4 * 2 ** 30;
const FILL_BYTES = 64 * 2 ** 20;

/**
 * Fills the memory that is free through the page cache, and frees it again. In a virtual machine the first touch of
 * each page is a fault of the hypervisor's, which would be counted as the work of whoever writes first: here three
 * times as dear as the write itself. `file` is in the folder that the brokers write to; answers the bytes touched.
 */
export function touchMemory(file: string): number {
  const available = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(readFileSync("/proc/meminfo", "utf8"))?.[1] ?? 0) * 1024;
  const chunk = Buffer.alloc(FILL_BYTES);
  const descriptor = openSync(file, "w");
  let touched = 0;
  try {
    while (touched + FILL_BYTES <= available - SPARED_BYTES) touched += writeSync(descriptor, chunk);
  } finally {
    closeSync(descriptor);
    rmSync(file);
  }
  return touched;
}

export const sleep = (delayMs: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, delayMs));

export const nowMs = (): number => performance.now();
