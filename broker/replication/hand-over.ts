import type { BrokerId } from "../base/ids.ts";
import type { HandOver, HandOverVoid } from "../contract/control.ts";
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
  /** `ready` was said: the controller may commit from then on. */
  readonly stage: "waiting" | "ready" | "undecided";
  readonly deadline: Deadline | null;
}

/**
 * The old leader's part of a planned move: holds appends until the target's log end equals its own, tells the
 * controller, and waits for the row. Nothing is lost, not even what was sent with acks=1: when the controller takes
 * longer than clients should wait, appends go on, but until it is known what became of the move (it may be committed
 * already) they are acknowledged as with acks=all only.
 */
export class HandOverWatch {
  readonly #ports: { readonly controller: ControllerLink; readonly deadlines: Deadlines };
  readonly #hold: AppendHold;
  #watch: Watch | null = null;

  constructor(ports: { readonly controller: ControllerLink; readonly deadlines: Deadlines }, hold: AppendHold) {
    this.#ports = ports;
    this.#hold = hold;
  }

  /** Appends go on, though another may lead already. */
  get isUndecided(): boolean {
    return this.#watch?.stage === "undecided";
  }

  /** The controller asks to hand over to `message.target`; anew only once nothing can come of an earlier time. */
  start(message: HandOver, leadership: Leadership, log: LogEndView): void {
    this.#watch?.deadline?.cancel();
    this.#hold.close("handOver");
    const deadline = this.#ports.deadlines.after(HOLD_MS, () => this.#giveUp());
    this.#watch = { message, leadership, log, stage: "waiting", deadline };
    this.check();
  }

  /** Log ends moved: perhaps the target has everything now. */
  check(): void {
    const watch = this.#watch;
    if (watch === null || watch.stage !== "waiting" || !hasEverything(watch, watch.message.target)) return;
    watch.deadline?.cancel();
    const deadline = this.#ports.deadlines.after(HOLD_MS, () => this.#goOnUndecided());
    this.#watch = { ...watch, stage: "ready", deadline };
    this.#answer(watch.message, true);
  }

  /** The controller says that nothing comes of it. */
  onVoid({ attempt }: HandOverVoid): void {
    if (this.#watch?.message.attempt === attempt) this.end();
  }

  /** Whatever a controller had decided before this session stands in the rows, and it has forgotten what it asked. */
  onSession(): void {
    this.end();
  }

  /** The move is made or given up: appends go on. */
  end(): void {
    this.#watch?.deadline?.cancel();
    this.#watch = null;
    this.#hold.open("handOver");
  }

  #giveUp(): void {
    const watch = this.#watch;
    if (watch !== null) this.#answer(watch.message, false);
    this.end();
  }

  #goOnUndecided(): void {
    const watch = this.#watch;
    if (watch !== null) this.#watch = { ...watch, stage: "undecided", deadline: null };
    this.#hold.open("handOver");
  }

  #answer({ topicId, partition, leaderEpoch, target, attempt }: HandOver, isReady: boolean): void {
    const message = { type: "handOverReady", topicId, partition, leaderEpoch, target, attempt, isReady } as const;
    this.#ports.controller.send(message);
  }
}

function hasEverything(watch: Watch, target: BrokerId): boolean {
  const progress = watch.leadership.progressOf(target);
  return progress !== undefined && progress.isAligned && progress.logEnd === watch.log.logEnd;
}
