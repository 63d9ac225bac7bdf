import type { Clock, Timer } from "#base/clock.ts";
import { adoptChild, type Child, type Exit, startChild } from "./child-process.ts";
import { lastLines, sizeOf } from "./local-files.ts";

export interface SupervisedOptions {
  /** "controller", "broker 2": as people read it. */
  readonly name: string;
  /** What Node is started with: flags, program, options file. */
  readonly args: readonly string[];
  readonly logFile: string;
  /** Whether it is started again when it dies. */
  readonly restarts: boolean;
  /** After every start and every end. */
  onChange(): void;
  /** It ended; `isFinal`: it is not started again. `reason` is the last thing it said, "" when nothing. */
  onGone(gone: Gone): void;
}

export interface Gone {
  readonly pid: number;
  readonly exit: Exit;
  readonly reason: string;
  readonly isFinal: boolean;
}

/** A life shorter than this counts as a failed start: the next one waits longer. */
const STEADY_MS = 5000;
const WAIT_MS_FIRST = 100;
const WAIT_MS_MAX = 5000;
/** Exit code of a broker that the controller does not let join: starting it again changes nothing. */
const BANNED = 3;

/** What a process said last for people: its own last line, else the error that Node shows, else whatever came last. */
export function lastWords(lines: readonly string[]): string {
  const own = /^tidemark[ -]\w+: /;
  const said = lines.findLast((line) => own.test(line));
  if (said !== undefined) return said.replace(own, "");
  const spoken = lines.filter((line) => !line.startsWith("{"));
  return spoken.findLast((line) => /^(\w*Error\b|FATAL ERROR)/.test(line)) ?? spoken.at(-1) ?? "";
}

/** One process that is started again when it dies: at once the first time, then later and later. */
export class Supervised {
  readonly options: SupervisedOptions;
  readonly #clock: Clock;
  #child: Child | null = null;
  #isStopping = false;
  #startedAtMs = 0;
  #failures = 0;
  #logStart = 0;
  #again: Timer | null = null;
  readonly #whenDown: (() => void)[] = [];

  constructor(clock: Clock, options: SupervisedOptions) {
    this.#clock = clock;
    this.options = options;
  }

  /** Process id; null while it does not run. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  start(): void {
    this.#logStart = sizeOf(this.options.logFile);
    this.#watch(startChild(this.options.args, this.options.logFile));
  }

  /** Starts it if it is down and nothing else is about to; says whether it did. */
  startIfDown(): boolean {
    if (this.#child !== null || this.#isStopping) return false;
    this.#again?.cancel();
    this.start();
    return true;
  }

  adopt(pid: number): void {
    this.#logStart = sizeOf(this.options.logFile);
    this.#watch(adoptChild(pid));
  }

  /** Asks it to end, and makes it end after `timeoutMs`. Resolves to whether it ended by itself. */
  async stop(timeoutMs: number): Promise<boolean> {
    this.#isStopping = true;
    this.#again?.cancel();
    const child = this.#child;
    if (child === null) return true;
    let isForced = false;
    const force = this.#clock.after(timeoutMs, () => {
      isForced = true;
      child.signal("SIGKILL");
    });
    child.signal("SIGTERM");
    await new Promise<void>((resolve) => this.#whenDown.push(resolve));
    force.cancel();
    return !isForced;
  }

  kill(): void {
    this.#isStopping = true;
    this.#again?.cancel();
    this.#child?.signal("SIGKILL");
  }

  #watch(child: Child): void {
    this.#child = child;
    this.#startedAtMs = this.#clock.monotonic();
    void child.whenGone.then((exit) => this.#onGone(child, exit));
    this.options.onChange();
  }

  #onGone(child: Child, exit: Exit): void {
    this.#child = null;
    for (const wake of this.#whenDown.splice(0)) wake();
    const isFinal = this.#isStopping || !this.options.restarts || exit.code === BANNED;
    if (!this.#isStopping) {
      const reason = lastWords(lastLines(this.options.logFile, this.#logStart));
      this.options.onGone({ pid: child.pid, exit, reason, isFinal });
    }
    if (!isFinal && !this.#isStopping) this.#startAgain();
    this.options.onChange();
  }

  #startAgain(): void {
    const isSteady = this.#clock.monotonic() - this.#startedAtMs >= STEADY_MS;
    this.#failures = isSteady ? 0 : this.#failures + 1;
    if (this.#failures <= 1) {
      this.start();
      return;
    }
    const waitMs = Math.min(WAIT_MS_FIRST * 2 ** (this.#failures - 2), WAIT_MS_MAX);
    this.#again = this.#clock.after(waitMs, () => this.start());
  }
}
