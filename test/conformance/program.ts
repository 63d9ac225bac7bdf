import { type ChildProcess, spawn } from "node:child_process";
import path from "node:path";
import { oneLine } from "./cell.ts";

/** The checkout's own folder: programs are started there. */
export const root = path.resolve(import.meta.dirname, "..", "..");

/** How a program is started: its file, the arguments in front of all others, and more of its environment. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it is started; the checkout's own folder when absent. */
  readonly cwd?: string;
}

/** How much of what a program printed is kept, each stream, in characters: enough for every value that a cell reads. */
const KEPT = 4_000_000;

const started = new Set<ChildProcess>();

/** Ends the groups of processes that are still there: called when the run ends in any way. */
export function killStarted(): void {
  for (const child of started) killGroup(child);
}

/** The program and what it started (a launcher's Java, say), by the id of its group. */
function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // ESRCH: all of the group have ended.
  }
}

/**
 * A program of a client's, from its start to its end. It is killed when its time is up, and whoever waits for it is
 * told so. Waiting ends when the program ends: nothing is waited for in vain.
 */
export class Program {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #whenEnd: Promise<void>;
  #wake: (() => void)[] = [];
  #hasEnded = false;
  #fault = "";
  out = "";
  err = "";
  code: number | null = null;

  constructor(command: Command, args: readonly string[], limitMs: number) {
    this.#name = path.basename(command.file);
    const env = { ...process.env, ...command.env };
    const options = { cwd: command.cwd ?? root, env, detached: true, stdio: "pipe" } as const;
    this.#child = spawn(command.file, [...command.args, ...args], options);
    started.add(this.#child);
    const timer = setTimeout(() => {
      this.#fault = `it took more than ${limitMs / 1000} s`;
      killGroup(this.#child);
    }, limitMs);
    this.#child.stdout?.setEncoding("utf8").on("data", (text: string) => this.#take({ out: text }));
    this.#child.stderr?.setEncoding("utf8").on("data", (text: string) => this.#take({ err: text }));
    // A program that has ended does not read what it is told.
    this.#child.stdin?.on("error", () => undefined);
    this.#child.on("error", (error) => {
      this.#fault = error.message;
    });
    this.#whenEnd = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        clearTimeout(timer);
        started.delete(this.#child);
        this.code = code;
        this.#hasEnded = true;
        resolve();
        this.#wakeAll();
      });
    });
  }

  #take({ out = "", err = "" }: { out?: string; err?: string }): void {
    this.out = (this.out + out).slice(0, KEPT);
    this.err = (this.err + err).slice(-KEPT);
    this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Whether it ended, in whatever way, by now. */
  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Resolves when `condition` holds, which is asked whenever something was printed; throws when it ended without. */
  async until(what: string, condition: () => boolean): Promise<void> {
    while (!condition()) {
      if (this.#hasEnded) throw new Error(`it ended before ${what}: ${this.complaint()}`);
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
  }

  /** How it ended and the line that most likely says why, for people: the last that speaks of an error, or the last. */
  complaint(): string {
    const said = this.err.trim() === "" ? this.out : this.err;
    const lines = said.split("\n").filter((line) => line.trim() !== "");
    const line = lines.findLast((each) => /error|exception|fail/i.test(each) && !/^\s*(at|File) /.test(each));
    const end = this.#fault === "" ? `${this.#name} ended with ${this.code}` : this.#fault;
    return oneLine(`${end}: ${line ?? lines.at(-1) ?? "it said nothing"}`);
  }

  write(text: string): void {
    this.#child.stdin?.write(text);
  }

  /** Says that no more input comes, by which drivers know that they are to end. */
  endInput(): void {
    this.#child.stdin?.end();
  }

  /** Ends it and what it started at once. */
  kill(): void {
    killGroup(this.#child);
  }

  /** Resolves when it has ended, in whatever way. */
  async end(): Promise<void> {
    await this.#whenEnd;
  }

  /** Resolves when it has ended well; throws what it said otherwise. */
  async success(): Promise<this> {
    await this.#whenEnd;
    if (this.code !== 0 || this.#fault !== "") throw new Error(this.complaint());
    return this;
  }
}

/** Runs a program to its good end. */
export function run(command: Command, args: readonly string[], limitMs: number): Promise<Program> {
  const program = new Program(command, args, limitMs);
  program.endInput();
  return program.success();
}
