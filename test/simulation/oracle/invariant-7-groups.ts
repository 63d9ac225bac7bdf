import { OFFSETS_TOPIC, partitionFor } from "../../../broker/groups/coordinator.ts";
import type { GroupObserver, Ownership } from "../clients/group-member.ts";
import type { Facts, PartitionFacts } from "./facts.ts";

/** A commit on its way, or one that nobody got an answer to: it may count, now or later. */
interface OpenCommit {
  readonly generation: number;
  readonly partition: number;
  readonly offset: number;
}

/** What is known of one group since the last time that its coordinator's log may have been lost. */
class GroupFacts {
  generation = -1;
  /** Who has a partition, by `GENERATION/PARTITION`. */
  readonly owners = new Map<string, string>();
  /** Least that whoever asks next must be told, by partition. */
  readonly floors = new Map<number, number>();
  readonly open = new Set<OpenCommit>();

  /** Least that may be told of a partition: an older commit whose answer was lost may have come last. */
  leastOf(partition: number): number {
    let least = this.floors.get(partition) ?? -1;
    for (const commit of this.open) if (commit.partition === partition) least = Math.min(least, commit.offset);
    return least;
  }

  /** From now on no commit of an earlier generation counts; what is open may have counted until now. */
  enter(generation: number): void {
    this.generation = generation;
    for (const commit of this.open) {
      if (commit.generation >= generation) continue;
      this.floors.set(commit.partition, this.leastOf(commit.partition));
      this.open.delete(commit);
    }
  }
}

/**
 * In one generation no partition has two owners; a commit that was confirmed is what the next owner is told, as long as
 * a replica of the coordinator's log kept its files; and no commit counts once a later generation has begun.
 */
export class GroupOracle implements GroupObserver {
  readonly #facts: Facts;
  readonly #misbehaved: (what: string) => void;
  readonly #groups = new Map<string, { facts: GroupFacts; lostCount: number }>();

  constructor(facts: Facts, misbehaved: (what: string) => void) {
    this.#facts = facts;
    this.#misbehaved = misbehaved;
  }

  misbehaved(what: string): void {
    this.#misbehaved(what);
  }

  /** The newest generation of which any member got its assignment. */
  generationOf(group: string): number {
    return this.#group(group).generation;
  }

  assigned(group: string, generation: number, who: { member: string; partitions: readonly number[] }): void {
    const facts = this.#group(group);
    if (generation > facts.generation) {
      facts.enter(generation);
      this.#facts.counters.generations++;
    }
    for (const partition of who.partitions) {
      const key = `${generation}/${partition}`;
      const owner = facts.owners.get(key);
      if (owner !== undefined && owner !== who.member) {
        const text = `partition ${partition} has two owners in generation ${generation}: ${owner} and ${who.member}`;
        this.#facts.fail(7, `group ${group}: ${text}`);
      }
      facts.owners.set(key, who.member);
    }
  }

  committing(commit: Ownership & { offset: number }): (errorCode: number | null) => void {
    const { group, generation, partition, offset, member } = commit;
    const facts = this.#group(group);
    const latest = facts.generation;
    const open = { generation, partition, offset };
    facts.open.add(open);
    return (errorCode) => {
      if (errorCode === null || this.#group(group) !== facts) return;
      facts.open.delete(open);
      if (errorCode !== 0) return;
      this.#facts.counters.offsetCommits++;
      if (generation < latest) {
        const text = `${member} committed in generation ${generation}, after ${latest} had begun`;
        this.#facts.fail(7, `group ${group}: ${text}`);
      }
      facts.floors.set(partition, Math.max(offset, facts.floors.get(partition) ?? -1));
    };
  }

  fetching({ group, generation, partition, member }: Ownership): (offset: number) => void {
    const facts = this.#group(group);
    const least = facts.leastOf(partition);
    return (offset) => {
      // A member that was left behind may ask a coordinator that was left behind: nothing that it does counts.
      if (this.#group(group) !== facts || generation < facts.generation) return;
      this.#facts.counters.offsetFetches++;
      if (offset >= least) return;
      const text = `${member} is told ${offset} of partition ${partition} in generation ${generation}`;
      this.#facts.fail(7, `group ${group}: ${text}; ${least} was confirmed`);
    };
  }

  /** What is known; it begins anew when the coordinator's log may have lost what was confirmed. */
  #group(group: string): GroupFacts {
    const lostCount = this.#log(group)?.emptiedCount ?? 0;
    const known = this.#groups.get(group);
    if (known?.lostCount === lostCount) return known.facts;
    const facts = new GroupFacts();
    this.#groups.set(group, { facts, lostCount });
    return facts;
  }

  #log(group: string): PartitionFacts | undefined {
    const topic = [...this.#facts.topics.values()].find(({ name }) => name === OFFSETS_TOPIC);
    if (topic === undefined) return undefined;
    return this.#facts.partition(topic.topicId, partitionFor(group, topic.partitionCount));
  }
}
