/** What passed through the partitions of one topic on this broker: plain additions on the hot path. */
export class TopicTraffic {
  /** Appended as the leader. */
  bytesIn = 0;
  recordsIn = 0;
  /** Handed to consumers. */
  bytesOut = 0;
  /** Of partitions led here: members that left the ISR, and that came back. */
  isrShrinks = 0;
  isrExpands = 0;
}

/** Counts how the ISR changed from `before` to `after`. */
export function countIsrChange(traffic: TopicTraffic, before: readonly number[], after: readonly number[]): void {
  for (const broker of before) if (!after.includes(broker)) traffic.isrShrinks += 1;
  for (const broker of after) if (!before.includes(broker)) traffic.isrExpands += 1;
}

/** The traffic of every topic that has partitions here. A topic that is gone takes its numbers along. */
export class TopicTraffics {
  readonly #byTopic = new Map<string, { readonly traffic: TopicTraffic; partitions: number }>();

  /** One more partition of the topic is here. */
  add(topic: string): TopicTraffic {
    const known = this.#byTopic.get(topic);
    if (known !== undefined) {
      known.partitions += 1;
      return known.traffic;
    }
    const traffic = new TopicTraffic();
    this.#byTopic.set(topic, { traffic, partitions: 1 });
    return traffic;
  }

  /** One less. */
  remove(topic: string): void {
    const known = this.#byTopic.get(topic);
    if (known === undefined) return;
    known.partitions -= 1;
    if (known.partitions === 0) this.#byTopic.delete(topic);
  }

  *all(): Generator<readonly [topic: string, traffic: TopicTraffic]> {
    for (const [topic, { traffic }] of this.#byTopic) yield [topic, traffic];
  }
}
