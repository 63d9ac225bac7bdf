import type { Clock, Timer } from "#base/clock.ts";
import type { BrokerId } from "#base/ids.ts";
import type { HandOver, HandOverReady, HandOverVoid, PartitionName } from "#contract/control.ts";
import type { Answer, Move } from "../machine/decision.ts";
import type { Event } from "../machine/events.ts";

/** The old leader answers within 500 ms; the rest is for the way, and for the store. */
const ANSWER_TIMEOUT_MS = 1500;
/** Partitions whose appends are held at the same time. */
const IN_FLIGHT_MAX = 64;

interface Pending {
  readonly move: Move;
  readonly done: (isMoved: boolean) => void;
  attempt: number;
  timer: Timer | null;
  /** It was given to the queue: it may be committed, whoever has stopped waiting for it. */
  isSubmitted: boolean;
}

export interface HandOverLinks {
  /** @returns false when the broker has no session. */
  send(broker: BrokerId, message: HandOver | HandOverVoid): boolean;
  submit(event: Event, done: (answer: Answer | null) => void): void;
}

const keyOf = ({ topicId, partition }: PartitionName): string => `${topicId}/${partition}`;

/**
 * Planned moves of leadership: the old leader holds its appends until the target has all of its log, then the
 * controller commits. A move that fails in any way leaves everything as it was. An old leader that said it is ready
 * does not know what came of it: it is told when nothing did.
 */
export class HandOvers {
  readonly #clock: Clock;
  readonly #links: HandOverLinks;
  readonly #pending = new Map<string, Pending>();
  readonly #waiting: Pending[] = [];
  #attempts = 0;

  constructor(ports: { clock: Clock }, links: HandOverLinks) {
    this.#clock = ports.clock;
    this.#links = links;
  }

  /** Resolves to whether each was moved, in the same order. */
  async run(moves: readonly Move[]): Promise<boolean[]> {
    return Promise.all(
      moves.map(
        (move) =>
          new Promise<boolean>((done) => {
            this.#waiting.push({ move, done, attempt: 0, timer: null, isSubmitted: false });
            this.#next();
          }),
      ),
    );
  }

  onReady(broker: BrokerId, message: HandOverReady): void {
    const pending = this.#pending.get(keyOf(message));
    const isItsAnswer =
      pending !== undefined &&
      pending.attempt === message.attempt &&
      pending.move.leader === broker &&
      pending.move.leaderEpoch === message.leaderEpoch &&
      pending.move.target === message.target;
    if (!isItsAnswer) return this.#sayVoid(broker, message);
    if (pending.isSubmitted) return;
    if (!message.isReady) return this.#end(pending, false);
    const { leaderEpoch, target, topicId, partition } = pending.move;
    const name: PartitionName = { topicId, partition };
    pending.isSubmitted = true;
    this.#links.submit({ kind: "handOverAnswered", broker, partition: name, leaderEpoch, target }, (answer) => {
      const isMoved = answer !== null && answer.kind === "moved" && answer.isMoved;
      // Without an answer this controller decides no more, and what its last write did is not known.
      if (answer !== null && !isMoved) this.#sayVoid(broker, message);
      this.#end(pending, isMoved);
    });
  }

  /** This broker's session ended, or it begins another: it goes on as if it had not been asked. */
  onSessionLost(broker: BrokerId): void {
    for (const pending of [...this.#pending.values()]) if (pending.move.leader === broker) this.#giveUp(pending);
  }

  stop(): void {
    const all = [...this.#waiting.splice(0), ...this.#pending.values()];
    this.#pending.clear();
    for (const { timer, done } of all) {
      timer?.cancel();
      done(false);
    }
  }

  #next(): void {
    while (this.#pending.size < IN_FLIGHT_MAX) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#begin(next);
    }
  }

  #begin(pending: Pending): void {
    const { move, done } = pending;
    const key = keyOf(move);
    const { topicId, partition, leaderEpoch, target } = move;
    pending.attempt = ++this.#attempts;
    const { attempt } = pending;
    const message: HandOver = { type: "handOver", topicId, partition, leaderEpoch, target, attempt };
    if (this.#pending.has(key) || !this.#links.send(move.leader, message)) {
      done(false);
      return;
    }
    this.#pending.set(key, pending);
    pending.timer = this.#clock.after(ANSWER_TIMEOUT_MS, () => this.#giveUp(pending));
  }

  #sayVoid(broker: BrokerId, { topicId, partition, attempt }: HandOverReady): void {
    this.#links.send(broker, { type: "handOverVoid", topicId, partition, attempt });
  }

  /** Nobody waits any more. What was submitted keeps its place: nothing else is asked before it is settled. */
  #giveUp(pending: Pending): void {
    if (pending.isSubmitted) pending.done(false);
    else this.#end(pending, false);
  }

  #end(pending: Pending, isMoved: boolean): void {
    const key = keyOf(pending.move);
    if (this.#pending.get(key) !== pending) return;
    this.#pending.delete(key);
    pending.timer?.cancel();
    pending.done(isMoved);
    this.#next();
  }
}
