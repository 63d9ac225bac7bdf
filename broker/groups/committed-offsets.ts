import type { CommittedOffset } from "./group-records.ts";

/** Partition of a topic, by name. */
export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** What one group has committed. */
export class CommittedOffsets {
  readonly #topics = new Map<string, Map<number, CommittedOffset>>();

  get isEmpty(): boolean {
    return this.#topics.size === 0;
  }

  get({ topic, partition }: TopicPartition): CommittedOffset | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  topics(): string[] {
    return [...this.#topics.keys()];
  }

  of(topic: string): ReadonlyMap<number, CommittedOffset> {
    return this.#topics.get(topic) ?? NONE;
  }

  set({ topic, partition }: TopicPartition, value: CommittedOffset): void {
    let partitions = this.#topics.get(topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(topic, partitions);
    }
    partitions.set(partition, value);
  }

  delete({ topic, partition }: TopicPartition): void {
    const partitions = this.#topics.get(topic);
    partitions?.delete(partition);
    if (partitions?.size === 0) this.#topics.delete(topic);
  }

  /** Those of which `isDoomed` says so. */
  matching(isDoomed: (topic: string, value: CommittedOffset) => boolean): TopicPartition[] {
    const found: TopicPartition[] = [];
    for (const [topic, partitions] of this.#topics) {
      for (const [partition, value] of partitions) if (isDoomed(topic, value)) found.push({ topic, partition });
    }
    return found;
  }
}

const NONE: ReadonlyMap<number, CommittedOffset> = new Map();
