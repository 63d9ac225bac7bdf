import type { Clock, Timer } from "#base/clock.ts";
import type { BrokerId } from "#base/ids.ts";
import type { HandOver, HandOverReady, PartitionName } from "#contract/control.ts";
import type { Answer, Move } from "../machine/decision.ts";
import type { Event } from "../machine/events.ts";

/** The old leader answers within 500 ms; the rest is for the way. */
const ANSWER_TIMEOUT_MS = 1500;
/** Partitions whose appends are held at the same time. */
const IN_FLIGHT_MAX = 64;

interface Pending {
  readonly move: Move;
  readonly done: (isMoved: boolean) => void;
  timer: Timer | null;
}

export interface HandOverLinks {
  /** @returns false when the broker has no session. */
  send(broker: BrokerId, message: HandOver): boolean;
  submit(event: Event, done: (answer: Answer | null) => void): void;
}

const keyOf = ({ topicId, partition }: PartitionName): string => `${topicId}/${partition}`;

/**
 * Planned moves of leadership: the old leader holds its appends until the target has all of its log, then the
 * controller commits. A move that fails in any way leaves everything as it was.
 */
export class HandOvers {
  readonly #clock: Clock;
  readonly #links: HandOverLinks;
  readonly #pending = new Map<string, Pending>();
  readonly #waiting: Pending[] = [];

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
            this.#waiting.push({ move, done, timer: null });
            this.#next();
          }),
      ),
    );
  }

  onReady(broker: BrokerId, message: HandOverReady): void {
    const pending = this.#pending.get(keyOf(message));
    if (pending === undefined) return;
    const { move } = pending;
    const isItsAnswer =
      move.leader === broker && move.leaderEpoch === message.leaderEpoch && move.target === message.target;
    if (!isItsAnswer) return;
    if (!message.isReady) return this.#end(pending, false);
    const partition: PartitionName = { topicId: move.topicId, partition: move.partition };
    const { leaderEpoch, target } = move;
    this.#links.submit({ kind: "handOverAnswered", broker, partition, leaderEpoch, target }, (answer) => {
      this.#end(pending, answer !== null && answer.kind === "moved" && answer.isMoved);
    });
  }

  /** Nothing will be answered by this broker any more. */
  onSessionLost(broker: BrokerId): void {
    for (const pending of [...this.#pending.values()]) if (pending.move.leader === broker) this.#end(pending, false);
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
    const message: HandOver = { type: "handOver", topicId, partition, leaderEpoch, target };
    if (this.#pending.has(key) || !this.#links.send(move.leader, message)) {
      done(false);
      return;
    }
    this.#pending.set(key, pending);
    pending.timer = this.#clock.after(ANSWER_TIMEOUT_MS, () => this.#end(pending, false));
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
