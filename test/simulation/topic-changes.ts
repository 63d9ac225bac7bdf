import type { PartitionFacts } from "./oracle/facts.ts";
import type { SimulatedClient } from "./workload.ts";
import type { SimulatedCluster } from "./world/cluster.ts";
import type { SeededRandom } from "./world/random.ts";

/** Share of the seeds that allow unclean elections for a while, now and then. */
const UNCLEAN_SHARE = 0.15;
const UNCLEAN_EVERY_MS = 9_000;
const DELETION_EVERY_MS = 3_000;

/** What people do to topics in use, beside all faults: more partitions, unclean elections allowed, records deleted. */
export class TopicChanges {
  readonly #cluster: SimulatedCluster;
  readonly #client: SimulatedClient;
  readonly #random: SeededRandom;
  readonly #allowsUnclean: boolean;
  readonly #deletes: boolean;
  #isOver = false;

  constructor(cluster: SimulatedCluster, what: { client: SimulatedClient; deletes: boolean }, random: SeededRandom) {
    this.#cluster = cluster;
    this.#client = what.client;
    this.#deletes = what.deletes;
    this.#random = random;
    this.#allowsUnclean = random.chance(UNCLEAN_SHARE);
  }

  start(): void {
    // Asked for again and again: a request that was not answered may not have been heard.
    for (let afterMs = this.#random.between(500, 30_000); afterMs < 40_000; afterMs += 4000) {
      this.#later(afterMs, () => this.#client.growTopics());
    }
    if (this.#allowsUnclean) this.#nextUnclean();
    if (this.#deletes) this.#nextDeletion();
  }

  /** All topics get the partitions that their clients expect, and nothing more is lost. */
  stop(): void {
    this.#isOver = true;
    for (const delayMs of [0, 2000, 6000, 12_000, 20_000]) {
      this.#later(delayMs, () => this.#client.growTopics());
      if (this.#allowsUnclean) this.#later(delayMs, () => this.#client.allowUnclean("false"));
    }
  }

  #nextUnclean(): void {
    this.#later(UNCLEAN_EVERY_MS * (0.2 + 1.6 * this.#random.next()), () => {
      if (this.#isOver) return;
      this.#cluster.say("unclean elections are allowed for a while");
      this.#client.allowUnclean("true");
      this.#later(this.#random.between(2000, 15_000), () => this.#client.allowUnclean("false"));
      this.#nextUnclean();
    });
  }

  #nextDeletion(): void {
    this.#later(DELETION_EVERY_MS * (0.2 + 1.6 * this.#random.next()), () => {
      if (this.#isOver) return;
      const { facts } = this.#cluster.oracle;
      const isOfTopic = (one: PartitionFacts): boolean => !one.isDeleted && !facts.isVolatile(one.topicId);
      const partitions = [...facts.partitions.values()].filter(
        (one) => isOfTopic(one) && one.deletedTo < Number.POSITIVE_INFINITY,
      );
      if (partitions.length > 0) {
        const { topicId, partition, committed } = this.#random.pick(partitions);
        this.#client.deleteRecords(topicId, partition, this.#random.below(committed.length + 1));
      }
      this.#nextDeletion();
    });
  }

  #later(delayMs: number, run: () => void): void {
    this.#cluster.scheduler.after(delayMs * 1000, null, run);
  }
}
