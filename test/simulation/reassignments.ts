import type { PartitionFacts } from "./oracle/facts.ts";
import type { SimulatedClient } from "./workload.ts";
import type { SimulatedCluster } from "./world/cluster.ts";
import type { BrokerSlot } from "./world/hosts.ts";
import type { SeededRandom } from "./world/random.ts";

/** How often a seed moves partitions: mean time between two of these, null for never. */
const INTERVALS_MS = [null, 1200, 2500, 5000] as const;
/** A partition keeps at least so many replicas. */
const REPLICAS_MIN = 2;

type Kind = "reassign" | "cancel" | "drain" | "level" | "killOnTheWay" | "rejoin";

const kinds: readonly Kind[] = ["reassign", "reassign", "cancel", "drain", "level", "killOnTheWay", "rejoin"];

/** Moves partitions about, beside all faults: the same draws, whether or not a seed does any of it. */
export class Reassignments {
  readonly #cluster: SimulatedCluster;
  readonly #client: SimulatedClient;
  readonly #random: SeededRandom;
  readonly #intervalMs: number | null;
  #isOver = false;

  constructor(cluster: SimulatedCluster, client: SimulatedClient, random: SeededRandom) {
    this.#cluster = cluster;
    this.#client = client;
    this.#random = random;
    this.#intervalMs = random.pick(INTERVALS_MS);
  }

  start(): void {
    if (this.#intervalMs !== null) this.#next(this.#intervalMs);
  }

  /** Nothing new begins; what is under way must come to its end by itself. */
  stop(): void {
    this.#isOver = true;
    if (this.#intervalMs === null) return;
    for (const delayMs of [0, 2000, 6000, 12_000]) this.#later(delayMs, () => this.#undrain());
  }

  #next(intervalMs: number): void {
    this.#later(intervalMs * (0.1 - Math.log(1 - this.#random.next() * 0.999)), () => {
      if (this.#isOver) return;
      const kind = this.#random.pick(kinds);
      this.#cluster.say(`move ${kind}`);
      this[kind]();
      this.#next(intervalMs);
    });
  }

  #later(delayMs: number, run: () => void): void {
    this.#cluster.scheduler.after(delayMs * 1000, null, run);
  }

  #partitions(): PartitionFacts[] {
    const { facts } = this.#cluster.oracle;
    return [...facts.partitions.values()].filter(({ isDeleted, row, topicId }) => {
      return !isDeleted && row !== null && facts.topics.has(topicId);
    });
  }

  #anyPartition(): PartitionFacts | null {
    const partitions = this.#partitions();
    return partitions.length === 0 ? null : this.#random.pick(partitions);
  }

  /** Mostly of the size it has. */
  #target({ row }: PartitionFacts): number[] {
    const { brokers } = this.#cluster;
    const size = (row?.replicas.length ?? 3) - (row?.removing.length ?? 0) + this.#random.pick([0, 0, 0, 1, -1]);
    const count = Math.max(REPLICAS_MIN, Math.min(brokers.length, size));
    return this.#random
      .shuffled(brokers)
      .slice(0, count)
      .map(({ id }) => id);
  }

  protected reassign(): PartitionFacts | null {
    const partition = this.#anyPartition();
    if (partition === null) return null;
    this.#client.reassign(partition.topicId, partition.partition, this.#target(partition));
    return partition;
  }

  protected cancel(): void {
    const moving = this.#partitions().filter(({ row }) => (row?.adding.length ?? 0) + (row?.removing.length ?? 0) > 0);
    if (moving.length === 0) return void this.reassign();
    const { topicId, partition } = this.#random.pick(moving);
    this.#client.reassign(topicId, partition, null);
  }

  protected drain(): void {
    const { id } = this.#random.pick(this.#cluster.brokers);
    this.#client.admin({ kind: "drainBroker", broker: id as never, isDraining: true });
    this.#later(this.#random.between(2000, 9000), () => {
      if (!this.#isOver) this.#client.admin({ kind: "drainBroker", broker: id as never, isDraining: false });
    });
  }

  protected level(): void {
    this.#client.admin({ kind: "rebalance" });
  }

  /** One of those that take part dies while a partition moves: the leader, one that joins, or one that leaves. */
  protected killOnTheWay(): void {
    const partition = this.reassign();
    if (partition === null) return;
    this.#later(this.#random.between(5, 600), () => {
      const { row } = partition;
      if (row === null || this.#isOver) return;
      const group = this.#random.pick([[row.leader], row.adding, row.removing, row.removed, row.isr]);
      const slot = this.#cluster.brokers[group.length === 0 ? -1 : this.#random.pick(group)];
      if (slot !== undefined) this.#kill(slot);
    });
  }

  /** A replica leaves and comes back at once: sometimes before its broker has heard, or done, what the first meant. */
  protected rejoin(): void {
    const partition = this.#anyPartition();
    const row = partition?.row;
    if (partition === null || row === null || row === undefined || row.replicas.length <= REPLICAS_MIN) return;
    const leaving = this.#random.pick(row.replicas);
    const without = row.replicas.filter((id) => id !== leaving);
    const { topicId, partition: index } = partition;
    const slot = this.#cluster.brokers[leaving];
    const { network, controllers } = this.#cluster;
    // Deaf to the controller, it goes on with what it has, and is told of both at once, or of the first alone.
    const ways = controllers.map(({ host }) => ({ from: host, to: slot?.host ?? 0 }));
    const isDeaf = slot !== undefined && this.#random.chance(0.5);
    if (isDeaf) for (const way of ways) network.cut(way);
    this.#client.reassign(topicId, index, without);
    this.#later(this.#random.between(1, 1500), () => {
      if (!this.#isOver) this.#client.reassign(topicId, index, [...without, leaving]);
    });
    if (isDeaf) {
      this.#later(this.#random.between(100, 2500), () => {
        if (!this.#isOver) network.heal(ways);
      });
    }
  }

  #kill(slot: BrokerSlot): void {
    this.#cluster.crashBroker(slot);
    this.#later(this.#random.between(50, 5000), () => {
      if (!this.#isOver) this.#cluster.startBroker(slot);
    });
  }

  #undrain(): void {
    for (const { id } of this.#cluster.brokers) {
      this.#client.admin({ kind: "drainBroker", broker: id as never, isDraining: false });
    }
  }
}
