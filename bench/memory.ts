import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";

const execute = promisify(execFile);
const source = path.join(import.meta.dirname, "hold-memory.c");
/** Left to the programs that run beside the bench. */
const SPARED_BYTES = 2.5 * 2 ** 30;

/** `says` is for the reader of the table; `pages` is 0 where memory could not be held. */
export interface Held {
  readonly pages: number;
  readonly says: string;
  release(): void;
}

const notHeld = (reason: string): Held => ({
  pages: 0,
  says: `memory is not held (${reason}): where a hypervisor takes free memory back, its page faults are in the figures`,
  release() {},
});

/**
 * Keeps a hypervisor from taking free memory back while the bench runs (see hold-memory.c): its page faults, here ten
 * times as dear as the write itself, would count as work of whoever writes, and make all ratios nearly one.
 */
export async function holdMemory(folder: string): Promise<Held> {
  mkdirSync(folder, { recursive: true });
  const program = path.join(folder, "hold-memory");
  try {
    await execute("gcc", ["-O2", "-o", program, source]);
  } catch {
    return notHeld("needs Linux and gcc");
  }
  const child = spawn(program, [String(SPARED_BYTES)], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit").then(() => [""]);
  const [told] = await Promise.race([once(child.stdout, "data"), ended]);
  const pages = Number(String(told));
  if (pages === 0) return notHeld("needs root, to keep as many pages in pipes");
  return {
    pages,
    says: "one page of every MiB is held, so that no hypervisor takes free memory back while it runs",
    release: () => void child.stdin.end(),
  };
}
