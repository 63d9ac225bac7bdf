import { execFile, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { stateFolder } from "./settings.ts";

/** What the person who runs the harness is to read: one line. */
export class HarnessError extends Error {}

const OUTPUT_BYTES_MAX = 64 * 1024 * 1024;
// Debian keeps iptables and runc where only root's shell looks; Go goes by its own instructions.
const searchPath = [process.env["PATH"] ?? "", "/usr/sbin", "/sbin", "/usr/local/go/bin"].join(":");

export interface RunOptions {
  readonly input?: string;
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** Runs a command to its end and answers what it printed; a HarnessError with its last words when it fails. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { ...process.env, PATH: searchPath, ...options.environment };
    const settings = {
      env,
      encoding: "utf8" as const,
      maxBuffer: OUTPUT_BYTES_MAX,
      timeout: options.timeoutMs ?? 120_000,
      killSignal: "SIGKILL" as const,
      ...(options.folder === undefined ? {} : { cwd: options.folder }),
    };
    const child = execFile(command, [...args], settings, (error, out, err) => {
      if (error === null) return resolve(out);
      const last = (err.trim() || out.trim() || error.message).split("\n").at(-1);
      const told = error.killed === true ? `took longer than ${settings.timeout} ms` : last;
      reject(new HarnessError(`${path.basename(command)} ${args.slice(0, 4).join(" ")}: ${told}`, { cause: error }));
    });
    // A command that ends before it has read all is judged by its exit code.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(options.input ?? "");
  });
}

/** The same, for what may fail because what it takes away is not there. */
export const tryRun = (command: string, args: readonly string[], options: RunOptions = {}): Promise<string | null> =>
  run(command, args, options).catch(() => null);

/** Starts a process that outlives this one; what it says goes to `logs/NAME.log`. */
export function startDetached(name: string, command: string, args: readonly string[]): number {
  const folder = path.join(stateFolder, "logs");
  mkdirSync(folder, { recursive: true });
  const log = openSync(path.join(folder, `${name}.log`), "a");
  const env = { ...process.env, PATH: searchPath };
  const child = spawn(command, [...args], { detached: true, stdio: ["ignore", log, log], cwd: stateFolder, env });
  child.on("error", (error) => process.stderr.write(`${name}: ${error.message}\n`));
  child.unref();
  closeSync(log);
  return child.pid ?? -1;
}

export interface UntilOptions {
  readonly limitMs?: number;
  readonly stepMs?: number;
  /** Where to look when it never comes. */
  readonly log?: string;
}

/** Looks again until `condition` holds; an error of the condition counts as "not yet" and is told at the end. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: UntilOptions = {},
): Promise<void> {
  const { limitMs = 60_000, stepMs = 100, log } = options;
  const end = performance.now() + limitMs;
  let fault = "";
  for (;;) {
    try {
      if (await condition()) return;
      fault = "";
    } catch (error) {
      fault = `: ${Error.isError(error) ? error.message : String(error)}`;
    }
    if (performance.now() > end) {
      const where = log === undefined ? "" : ` (see ${path.join(stateFolder, "logs", `${log}.log`)})`;
      throw new HarnessError(`waited ${limitMs / 1000} s in vain until ${what}${fault}${where}`);
    }
    await sleep(stepMs);
  }
}
