import type { Clock, Timer } from "../../../broker/base/clock.ts";
import type { Entry, Owner, Scheduler } from "./scheduler.ts";

/** 2026-11-23 22:13:20 UTC: where the wall clocks of the simulated world start. */
export const WALL_START_MS = 1_795_472_000_000;
/** How far a wall clock may be from true time. */
export const SKEW_MS_MAX = 400;

/** What machines keep over the crashes of processes: power, the page cache's identity. */
export class Machine {
  readonly name: string;
  /** Wall clocks are not equal: this one's distance from true time. */
  readonly skewMs: number;
  bootId: string;
  isUp = true;

  constructor(options: { name: string; bootId: string; skewMs: number }) {
    this.name = options.name;
    this.bootId = options.bootId;
    this.skewMs = options.skewMs;
  }
}

/** One life of a process: from its start to its end. Its events happen only while it runs. */
export class SimulatedProcess implements Owner {
  readonly name: string;
  readonly host: number;
  readonly machine: Machine;
  readonly clock: Clock;
  readonly held: Entry[] = [];
  state: "running" | "paused" | "dead" = "running";
  /** Called when the process ended, for whatever reason. */
  onEnd: () => void = () => {};
  onThrow: (error: unknown) => void = () => {};
  readonly #scheduler: Scheduler;

  constructor(scheduler: Scheduler, options: { name: string; host: number; machine: Machine }) {
    this.#scheduler = scheduler;
    this.name = options.name;
    this.host = options.host;
    this.machine = options.machine;
    this.clock = this.#makeClock();
  }

  get isAlive(): boolean {
    return this.state !== "dead";
  }

  end(): void {
    if (this.state === "dead") return;
    this.state = "dead";
    this.held.length = 0;
    this.onEnd();
  }

  pause(): void {
    if (this.state === "running") this.state = "paused";
  }

  resume(): void {
    if (this.state !== "paused") return;
    this.state = "running";
    this.#scheduler.release(this);
  }

  #makeClock(): Clock {
    const scheduler = this.#scheduler;
    const wallStartMs = WALL_START_MS + this.machine.skewMs;
    return {
      now: () => wallStartMs + Math.floor(scheduler.nowUs / 1000),
      monotonic: () => scheduler.nowUs / 1000,
      after: (delayMs, fn): Timer => {
        const entry = scheduler.after(Math.max(delayMs, 0.001) * 1000, this, fn);
        return {
          cancel() {
            entry.isCancelled = true;
          },
        };
      },
      soon: (fn) => {
        scheduler.after(1, this, fn);
      },
    };
  }
}
