import type { CommittedOffsets, TopicPartition } from "./committed-offsets.ts";
import type { CommittedOffset } from "./group-records.ts";

interface Pending {
  readonly at: TopicPartition;
  /** null: it is being deleted. */
  readonly value: CommittedOffset | null;
  /** Appends under way that say the same. */
  count: number;
}

/** What of one group's offsets stands in its log already and does not count yet: of each partition the last. */
export class PendingOffsets {
  readonly #pending = new Map<string, Pending>();

  add({ topic, partition }: TopicPartition, value: CommittedOffset | null): void {
    const key = `${topic}/${partition}`;
    const known = this.#pending.get(key);
    if (known !== undefined && known.value === value) known.count += 1;
    else this.#pending.set(key, { at: { topic, partition }, value, count: 1 });
  }

  /** It counts now, or never will. */
  remove({ topic, partition }: TopicPartition, value: CommittedOffset | null): void {
    const key = `${topic}/${partition}`;
    const known = this.#pending.get(key);
    if (known === undefined || known.value !== value) return;
    known.count -= 1;
    if (known.count === 0) this.#pending.delete(key);
  }

  /**
   * What will stand once everything counts: every key that there is now, each with its value as of when it is pulled. A
   * commit may come to count between two pulls, and must not be missed.
   */
  *over(committed: CommittedOffsets): Generator<[TopicPartition, CommittedOffset | null]> {
    const keys = new Map<string, TopicPartition>();
    for (const topic of committed.topics()) {
      for (const partition of committed.of(topic).keys()) keys.set(`${topic}/${partition}`, { topic, partition });
    }
    for (const [key, { at }] of this.#pending) keys.set(key, at);
    for (const [key, at] of keys) {
      const pending = this.#pending.get(key);
      yield [at, pending === undefined ? (committed.get(at) ?? null) : pending.value];
    }
  }
}
