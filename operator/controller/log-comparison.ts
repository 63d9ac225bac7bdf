import { type Clock, every, type Timer } from "#base/clock.ts";
import type { BrokerId } from "#base/ids.ts";
import type { LogEnds, PartitionName, QueryLogEnds } from "#contract/control.ts";
import type { PartitionRow } from "#contract/rows.ts";
import type { Change } from "../machine/changes.ts";
import type { Event, PartitionEnds, ReplicaEnd } from "../machine/events.ts";
import { allPartitions, clusterConfigOf, isAlive, partitionOf, type State } from "../machine/state.ts";
import { needsComparison, waitsFor } from "../machine/waiting.ts";
import type { SessionHolder } from "./session.ts";

const TICK_MS = 250;
/** A question that was not answered by then is asked again. */
const ASK_AGAIN_MS = 2000;

interface Comparison {
  readonly name: PartitionName;
  readonly sinceMs: number;
  readonly ends: Map<BrokerId, ReplicaEnd>;
  readonly askedAtMs: Map<BrokerId, number>;
  isSubmitted: boolean;
}

export interface ComparisonLinks {
  readonly state: () => State;
  /** The session of a broker; null without one. */
  holder(broker: BrokerId): SessionHolder | null;
  send(broker: BrokerId, message: QueryLogEnds): void;
  submit(event: Event, done: () => void): void;
}

const keyOf = ({ topicId, partition }: PartitionName): string => `${topicId}/${partition}`;

/**
 * Partitions of which nobody is left who surely has everything: asks each replica that is there what its log holds,
 * and hands the answers to the machine when all who count have given theirs.
 */
export class LogComparison {
  readonly #clock: Clock;
  readonly #links: ComparisonLinks;
  readonly #open = new Map<string, Comparison>();
  #ticker: Timer | null = null;
  #query = 0;

  constructor(ports: { clock: Clock }, links: ComparisonLinks) {
    this.#clock = ports.clock;
    this.#links = links;
  }

  start(): void {
    for (const { row } of allPartitions(this.#links.state())) this.#look(row);
    this.#ticker = every(this.#clock, TICK_MS, () => this.#advance());
  }

  stop(): void {
    this.#ticker?.cancel();
    this.#open.clear();
  }

  /** What was reported so far, for an election that a person demands. */
  known(): PartitionEnds[] {
    return [...this.#open.values()].map(({ name, ends }) => ({ ...name, ends: [...ends.values()] }));
  }

  onCommitted(changes: readonly Change[]): void {
    for (const change of changes) if (change.kind === "partition") this.#look(change.row);
  }

  /** A broker registered: it is asked at once. */
  onRegistered(broker: BrokerId): void {
    for (const { askedAtMs } of this.#open.values()) askedAtMs.delete(broker);
    this.#advance();
  }

  onLogEnds(holder: SessionHolder, message: LogEnds): void {
    for (const { topicId, partition, lastEpoch, logEnd } of message.ends) {
      const comparison = this.#open.get(keyOf({ topicId, partition }));
      comparison?.ends.set(holder.broker, { broker: holder.broker, brokerEpoch: holder.epoch, lastEpoch, logEnd });
    }
    this.#advance();
  }

  #look(row: PartitionRow): void {
    const key = keyOf(row);
    if (!needsComparison(row)) {
      this.#open.delete(key);
      return;
    }
    if (this.#open.has(key)) return;
    const name: PartitionName = { topicId: row.topicId, partition: row.partition };
    const sinceMs = this.#clock.monotonic();
    this.#open.set(key, { name, sinceMs, ends: new Map(), askedAtMs: new Map(), isSubmitted: false });
  }

  #advance(): void {
    if (this.#open.size === 0) return;
    const state = this.#links.state();
    const questions = new Map<BrokerId, PartitionName[]>();
    const timeoutMs = clusterConfigOf(state).uncleanRecoveryTimeoutMs;
    for (const [key, comparison] of this.#open) {
      const row = partitionOf(state, comparison.name);
      if (row === null || !needsComparison(row)) {
        this.#open.delete(key);
        continue;
      }
      const missing = this.#missing(state, row, comparison);
      for (const broker of missing) this.#ask(broker, comparison, questions);
      const isTimedOut = timeoutMs >= 0 && this.#clock.monotonic() - comparison.sinceMs >= timeoutMs;
      const isComplete = missing.length === 0 && waitsFor(state, row).length === 0;
      if ((isComplete || isTimedOut) && comparison.ends.size > 0) this.#submit(comparison, isTimedOut);
    }
    for (const [broker, partitions] of questions) {
      this.#links.send(broker, { type: "queryLogEnds", query: ++this.#query, partitions });
    }
  }

  /** Replicas that are alive and whose present process has said nothing yet. */
  #missing(state: State, row: PartitionRow, comparison: Comparison): BrokerId[] {
    return row.replicas.filter((broker) => {
      if (!isAlive(state, broker)) return false;
      return comparison.ends.get(broker)?.brokerEpoch !== state.brokers.get(broker)?.epoch;
    });
  }

  #ask(broker: BrokerId, comparison: Comparison, questions: Map<BrokerId, PartitionName[]>): void {
    const holder = this.#links.holder(broker);
    if (holder === null) {
      comparison.askedAtMs.delete(broker);
      return;
    }
    const nowMs = this.#clock.monotonic();
    const askedAtMs = comparison.askedAtMs.get(broker);
    if (askedAtMs !== undefined && nowMs - askedAtMs < ASK_AGAIN_MS) return;
    comparison.askedAtMs.set(broker, nowMs);
    const asked = questions.get(broker);
    if (asked === undefined) questions.set(broker, [comparison.name]);
    else asked.push(comparison.name);
  }

  #submit(comparison: Comparison, isTimedOut: boolean): void {
    if (comparison.isSubmitted) return;
    comparison.isSubmitted = true;
    const partition: PartitionEnds = { ...comparison.name, ends: [...comparison.ends.values()] };
    this.#links.submit({ kind: "logEndsReported", partition, isTimedOut }, () => {
      comparison.isSubmitted = false;
    });
  }
}
