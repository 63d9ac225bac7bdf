import { type Clock, every, type Timer } from "#base/clock.ts";
import type { BrokerId } from "#base/ids.ts";
import type { Logger } from "#base/logging.ts";
import type { Move } from "../machine/decision.ts";
import { movesToPreferred } from "../machine/moves.ts";
import { clusterConfigOf, type State } from "../machine/state.ts";
import type { HandOvers } from "./hand-overs.ts";

const PERIOD_MS = 5000;
const MOVES_MAX = 20;
/** A move that failed held appends for nothing: the partition is left alone for a while. */
const REST_MS = 60_000;

export interface RebalancerLinks {
  readonly handOvers: HandOvers;
  state(): State;
  hasSession(broker: BrokerId): boolean;
}

const keyOf = ({ topicId, partition }: Move): string => `${topicId}/${partition}`;

/** Gives leadership back to preferred leaders, a few partitions at a time (`auto.leader.rebalance.enable`). */
export class Rebalancer {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #links: RebalancerLinks;
  /** Partitions that are left alone, and until when. */
  readonly #resting = new Map<string, number>();
  #isRunning = false;
  #timer: Timer | null = null;

  constructor(ports: { clock: Clock; logger: Logger }, links: RebalancerLinks) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#links = links;
  }

  start(): void {
    this.#timer = every(this.#clock, PERIOD_MS, () => void this.#run());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  async #run(): Promise<void> {
    const state = this.#links.state();
    if (this.#isRunning || !clusterConfigOf(state).autoLeaderRebalanceEnable) return;
    this.#wake();
    const moves = movesToPreferred(state)
      .filter((move) => !this.#resting.has(keyOf(move)))
      .filter((move) => this.#links.hasSession(move.leader) && this.#links.hasSession(move.target))
      .slice(0, MOVES_MAX);
    if (moves.length === 0) return;
    this.#isRunning = true;
    const moved = await this.#links.handOvers.run(moves);
    this.#isRunning = false;
    const restUntilMs = this.#clock.monotonic() + REST_MS;
    for (const [index, move] of moves.entries()) {
      if (moved[index] === false) this.#resting.set(keyOf(move), restUntilMs);
    }
    const count = moved.filter((isMoved) => isMoved).length;
    if (count > 0) this.#logger.info("gave leadership back to preferred leaders", { partitions: count });
  }

  #wake(): void {
    const nowMs = this.#clock.monotonic();
    for (const [key, untilMs] of this.#resting) if (untilMs <= nowMs) this.#resting.delete(key);
  }
}
