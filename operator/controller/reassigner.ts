import { type Clock, every, type Timer } from "#base/clock.ts";
import { type BrokerId, partitionIndex } from "#base/ids.ts";
import type { Logger } from "#base/logging.ts";
import type { AdminRequest, AdminResponse, CopyProgress, PartitionName, Reassignment } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { Change } from "../machine/changes.ts";
import type { Answer, Move } from "../machine/decision.ts";
import { NONE, NOT_CONTROLLER } from "../machine/error-codes.ts";
import type { Event } from "../machine/events.ts";
import { isReassigning, isTargetInSync, originalOf, targetOf } from "../machine/reassignment.ts";
import { allPartitions, isAvailable, partitionOf, type State, topicByName } from "../machine/state.ts";
import type { HandOvers } from "./hand-overs.ts";

const TICK_MS = 500;
/** Partitions that drains, levelling and changes of the replication factor have on their way at the same time. */
export const COPIES_MAX = 10;
/** A hand-over that failed held appends for nothing: the partition is left alone for so long. */
const REST_MS = 3000;

export interface ReassignerLinks {
  readonly handOvers: HandOvers;
  state(): State;
  hasSession(broker: BrokerId): boolean;
  submit(event: Event, done: (answer: Answer | null) => void): void;
}

type Named = { readonly topic: string; readonly partition: number };
type AlterRequest = Extract<AdminRequest, { kind: "alterReassignments" }>;

const keyOf = ({ topicId, partition }: PartitionName): string => `${topicId}/${partition}`;

/**
 * Drives reassignments to their end: hands leadership over where the leader is to go, calls for the next partitions of
 * brokers that are drained or levelled, and keeps what leaders say of their copies. All of it follows from the rows, so
 * that a controller that takes over goes on where the last one was; only a levelling has to be asked for again.
 */
export class Reassigner {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #links: ReassignerLinks;
  /** Partitions on their way. */
  readonly #open = new Map<string, PartitionName>();
  readonly #progress = new Map<string, CopyProgress["partitions"][number]>();
  /** Partitions that are left alone, and until when. */
  readonly #resting = new Map<string, number>();
  #isHandingOver = false;
  #isCalling = false;
  #isRebalancing = false;
  #timer: Timer | null = null;

  constructor(ports: { clock: Clock; logger: Logger }, links: ReassignerLinks) {
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#links = links;
  }

  start(): void {
    for (const { row } of allPartitions(this.#links.state())) this.#look(row);
    this.#timer = every(this.#clock, TICK_MS, () => this.wake());
  }

  stop(): void {
    this.#timer?.cancel();
  }

  onCommitted(changes: readonly Change[]): void {
    for (const change of changes) {
      if (change.kind === "partition") this.#look(change.row);
    }
  }

  onProgress(broker: BrokerId, message: CopyProgress): void {
    for (const one of message.partitions) {
      const row = partitionOf(this.#links.state(), one);
      if (row === null || row.leader !== broker || row.leaderEpoch !== one.leaderEpoch) continue;
      if (this.#open.has(keyOf(one))) this.#progress.set(keyOf(one), one);
    }
  }

  /** There may be something to do. */
  wake(): void {
    void this.#handOver();
    this.#call();
  }

  /** What is under way; of those named, or all. */
  list(asked: readonly Named[] | null): Reassignment[] {
    const state = this.#links.state();
    const named = asked?.flatMap(({ topic: name, partition }) => {
      const topic = topicByName(state, name);
      return topic === null || partition < 0 ? [] : [{ topicId: topic.topicId, partition: partitionIndex(partition) }];
    });
    return [...(named ?? this.#open.values())].flatMap((name) => {
      const row = partitionOf(state, name);
      const topic = state.topics.get(name.topicId);
      if (row === null || topic === undefined || !isReassigning(row)) return [];
      const { topicId, partition, replicas, adding, removing } = row;
      return [{ topic: topic.name, topicId, partition, replicas, adding, removing, missingBytes: this.#missing(row) }];
    });
  }

  /** Begins to level brokers, or tells how much of that is left. */
  async rebalance(): Promise<AdminResponse> {
    this.#isRebalancing = true;
    const answer = await new Promise<Answer | null>((done) => this.#submitCall(done));
    if (answer?.kind !== "copies") {
      const errorMessage = "this controller decides no more; try again";
      return { kind: "failed", errorCode: NOT_CONTROLLER, errorMessage };
    }
    return { kind: "rebalance", errorCode: NONE, errorMessage: null, remaining: answer.remaining };
  }

  /** Leaders that would go at once by a new target, or by a cancellation, hand over before it is decided. */
  async prepare(request: AlterRequest): Promise<void> {
    const state = this.#links.state();
    const moves = request.partitions.flatMap(({ topic: name, partition, replicas }): Move[] => {
      const topic = topicByName(state, name);
      const row =
        topic === null || partition < 0
          ? null
          : partitionOf(state, { topicId: topic.topicId, partition: partitionIndex(partition) });
      if (row === null || !row.adding.includes(row.leader) || replicas?.includes(row.leader) === true) return [];
      const heirs = (replicas ?? originalOf(row)).filter((broker) => !row.adding.includes(broker));
      return this.#moveTo([...heirs, ...originalOf(row)], row);
    });
    if (moves.length > 0) await this.#links.handOvers.run(moves);
  }

  #look(row: PartitionRow): void {
    const key = keyOf(row);
    if (isReassigning(row)) {
      this.#open.set(key, { topicId: row.topicId, partition: row.partition });
      return;
    }
    this.#progress.delete(key);
    if (this.#open.delete(key)) this.#call();
  }

  #missing(row: PartitionRow): number | null {
    if (row.adding.length === 0) return 0;
    const progress = this.#progress.get(keyOf(row));
    if (progress === undefined || progress.leaderEpoch !== row.leaderEpoch) return null;
    return progress.missing.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** The first who is there and in sync, as a move; nothing if nobody is. */
  #moveTo(heirs: readonly BrokerId[], row: PartitionRow): Move[] {
    const state = this.#links.state();
    const target = heirs.find(
      (broker) => row.isr.includes(broker) && isAvailable(state, broker) && this.#links.hasSession(broker),
    );
    if (target === undefined || !this.#links.hasSession(row.leader)) return [];
    const { topicId, partition, leader, leaderEpoch } = row;
    return [{ topicId, partition, leader, leaderEpoch, target }];
  }

  async #handOver(): Promise<void> {
    if (this.#isHandingOver) return;
    const ready = this.#ready();
    if (ready.some((row) => !row.removing.includes(row.leader))) {
      // An election brought it so far: the last step is only to be taken.
      this.#links.submit({ kind: "circumstancesChanged" }, () => {});
    }
    const moves = ready
      .filter((row) => row.removing.includes(row.leader) && !this.#resting.has(keyOf(row)))
      .flatMap((row) => this.#moveTo(targetOf(row), row));
    if (moves.length === 0) return;
    this.#isHandingOver = true;
    const moved = await this.#links.handOvers.run(moves);
    this.#isHandingOver = false;
    const untilMs = this.#clock.monotonic() + REST_MS;
    for (const [index, move] of moves.entries()) if (moved[index] === false) this.#resting.set(keyOf(move), untilMs);
  }

  /** Partitions whose target is all in sync. */
  #ready(): PartitionRow[] {
    const nowMs = this.#clock.monotonic();
    for (const [key, untilMs] of this.#resting) if (untilMs <= nowMs) this.#resting.delete(key);
    const state = this.#links.state();
    const ready: PartitionRow[] = [];
    for (const [key, name] of this.#open) {
      const row = partitionOf(state, name);
      if (row === null) {
        this.#open.delete(key);
        this.#progress.delete(key);
      } else if (isTargetInSync(row)) ready.push(row);
    }
    return ready;
  }

  /** The next partitions of drains and of levelling, while there is room for them. */
  #call(): void {
    const isDraining = [...this.#links.state().brokers.values()].some((broker) => broker.isDraining);
    if (this.#isCalling || (!isDraining && !this.#isRebalancing) || this.#open.size >= COPIES_MAX) return;
    this.#isCalling = true;
    this.#submitCall(() => {
      this.#isCalling = false;
    });
  }

  #submitCall(done: (answer: Answer | null) => void): void {
    const isRebalancing = this.#isRebalancing;
    this.#links.submit({ kind: "copiesCalled", countMax: COPIES_MAX, isRebalancing }, (answer) => {
      if (answer?.kind === "copies") {
        if (answer.begun > 0) this.#logger.info("began to move partitions", { partitions: answer.begun });
        if (answer.remaining === 0) this.#isRebalancing = false;
      }
      done(answer);
    });
  }
}
