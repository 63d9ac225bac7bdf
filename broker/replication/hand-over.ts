import type { BrokerId } from "../base/ids.ts";
import type { HandOver, HandOverReady } from "../contract/control.ts";
import type { AppendHold } from "./append-hold.ts";
import type { ControllerLink } from "./cluster-view.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";
import type { Leadership } from "./leadership.ts";
import type { LogEndView } from "./log.ts";

/** How long the target may take to have the leader's log end, and then the controller to commit. */
const HOLD_MS = 500;

interface Watch {
  readonly message: HandOver;
  readonly leadership: Leadership;
  readonly log: LogEndView;
  readonly deadline: Deadline;
}

/**
 * The old leader's part of a planned move: holds appends until the target's log end equals its own, tells the
 * controller, and waits for the row. Nothing is lost, not even what was sent with acks=1.
 */
export class HandOverWatch {
  readonly #ports: { readonly controller: ControllerLink; readonly deadlines: Deadlines };
  readonly #hold: AppendHold;
  #watch: Watch | null = null;
  #said: HandOverReady | null = null;

  constructor(ports: { readonly controller: ControllerLink; readonly deadlines: Deadlines }, hold: AppendHold) {
    this.#ports = ports;
    this.#hold = hold;
  }

  /** The controller asks to hand over to `message.target`; a repeated question is answered again. */
  start(message: HandOver, leadership: Leadership, log: LogEndView): void {
    this.end();
    this.#hold.close("handOver");
    const deadline = this.#ports.deadlines.after(HOLD_MS, () => this.#giveUp());
    this.#watch = { message, leadership, log, deadline };
    this.check();
  }

  /** Log ends moved: perhaps the target has everything now. */
  check(): void {
    const watch = this.#watch;
    if (watch === null || this.#said !== null || !hasEverything(watch, watch.message.target)) return;
    watch.deadline.cancel();
    // The controller has its own time to commit; then appends go on here, whatever became of it.
    this.#watch = { ...watch, deadline: this.#ports.deadlines.after(HOLD_MS, () => this.end()) };
    this.#answer(watch.message, true);
  }

  /** A session with a controller stands again: an answer may be lost. */
  say(): void {
    if (this.#said !== null) this.#ports.controller.send(this.#said);
  }

  /** The move is made or given up: appends go on. */
  end(): void {
    this.#watch?.deadline.cancel();
    this.#watch = null;
    this.#said = null;
    this.#hold.open("handOver");
  }

  #giveUp(): void {
    const watch = this.#watch;
    if (watch !== null) this.#answer(watch.message, false);
    this.end();
  }

  #answer(message: HandOver, isReady: boolean): void {
    const { topicId, partition, leaderEpoch, target } = message;
    this.#said = { type: "handOverReady", topicId, partition, leaderEpoch, target, isReady };
    this.#ports.controller.send(this.#said);
  }
}

function hasEverything(watch: Watch, target: BrokerId): boolean {
  const progress = watch.leadership.progressOf(target);
  return progress !== undefined && progress.isAligned && progress.logEnd === watch.log.logEnd;
}
