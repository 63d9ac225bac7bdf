import type { BrokerId, Offset } from "../base/ids.ts";
import type { PartitionRow } from "../contract/rows.ts";
import type { BrokersView } from "./cluster-view.ts";
import { NONE, REQUEST_TIMED_OUT } from "./commit-waiters.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";

const NOT_LEADER_OR_FOLLOWER = 6;
const NO_OFFSET = -1 as Offset;

/** Kafka's code, and the lowest log start of all in-sync replicas that live; −1 with an error. */
export type DeletionDone = (errorCode: number, lowWatermark: Offset) => void;

interface DeletionPorts {
  readonly me: BrokerId;
  readonly cluster: BrokersView;
  readonly deadlines: Deadlines;
}

interface DeletionPartition {
  readonly row: PartitionRow;
  readonly log: { readonly logStart: Offset };
}

interface Wait {
  readonly offset: Offset;
  readonly done: DeletionDone;
  deadline: Deadline | null;
}

/**
 * Requests to delete records of one partition, each until no in-sync replica that lives shows them any more. Whoever is
 * not in sync hears of it while it catches up.
 */
export class RecordDeletion {
  readonly #ports: DeletionPorts;
  readonly #partition: DeletionPartition;
  /** Where followers said that their logs begin, in this leader epoch. */
  readonly #starts = new Map<BrokerId, Offset>();
  readonly #waits = new Set<Wait>();

  constructor(ports: DeletionPorts, partition: DeletionPartition) {
    this.#ports = ports;
    this.#partition = partition;
  }

  get isWaiting(): boolean {
    return this.#waits.size > 0;
  }

  wait(offset: Offset, options: { timeoutMs: number }, done: DeletionDone): void {
    const wait: Wait = { offset, done, deadline: null };
    wait.deadline = this.#ports.deadlines.after(options.timeoutMs, () => this.#end(wait, REQUEST_TIMED_OUT));
    this.#waits.add(wait);
    this.check();
  }

  started(broker: BrokerId, logStart: Offset): void {
    this.#starts.set(broker, logStart);
    this.check();
  }

  /** Where the follower said last that its log begins; −1 when it did not say: no later than here. */
  startOf(broker: BrokerId): Offset {
    return this.#starts.get(broker) ?? NO_OFFSET;
  }

  /** It may be another process, which has to say anew where its log begins. */
  reopened(broker: BrokerId): void {
    this.#starts.delete(broker);
  }

  /** Ends the waits that are over; to be called when somebody died or left the ISR, too. */
  check(): void {
    if (this.#waits.size === 0) return;
    const lowWatermark = this.#lowWatermark();
    for (const wait of [...this.#waits]) if (wait.offset <= lowWatermark) this.#end(wait, NONE, lowWatermark);
  }

  /** This broker leads no more. */
  end(): void {
    for (const wait of [...this.#waits]) this.#end(wait, NOT_LEADER_OR_FOLLOWER);
  }

  #lowWatermark(): Offset {
    const { row, log } = this.#partition;
    let lowest = log.logStart;
    for (const broker of row.isr) {
      if (broker === this.#ports.me || this.#ports.cluster.broker(broker)?.isFenced !== false) continue;
      const start = this.#starts.get(broker) ?? NO_OFFSET;
      if (start < lowest) lowest = start;
    }
    return lowest;
  }

  #end(wait: Wait, errorCode: number, lowWatermark = NO_OFFSET): void {
    this.#waits.delete(wait);
    wait.deadline?.cancel();
    wait.done(errorCode, lowWatermark);
  }
}
