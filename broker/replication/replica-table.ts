import type { TopicId } from "../base/ids.ts";
import type { Replica } from "./replica.ts";

/** The replicas of this broker, by topic id and by topic name. */
export class ReplicaTable {
  readonly #byId = new Map<TopicId, Map<number, Replica>>();
  readonly #byName = new Map<string, Map<number, Replica>>();

  get(topicId: TopicId, partition: number): Replica | undefined {
    return this.#byId.get(topicId)?.get(partition);
  }

  getByName(topic: string, partition: number): Replica | undefined {
    return this.#byName.get(topic)?.get(partition);
  }

  ofTopic(topicId: TopicId): Replica[] {
    return [...(this.#byId.get(topicId)?.values() ?? [])];
  }

  *all(): Generator<Replica> {
    for (const partitions of this.#byId.values()) yield* partitions.values();
  }

  add(replica: Replica): void {
    const { topicId, topic, partition } = replica;
    put(this.#byId, topicId, partition, replica);
    put(this.#byName, topic, partition, replica);
  }

  remove(replica: Replica): void {
    const { topicId, topic, partition } = replica;
    take(this.#byId, topicId, partition, replica);
    // A topic of the same name may have taken its place already.
    take(this.#byName, topic, partition, replica);
  }
}

function put<Key>(table: Map<Key, Map<number, Replica>>, key: Key, partition: number, replica: Replica): void {
  let partitions = table.get(key);
  if (partitions === undefined) {
    partitions = new Map();
    table.set(key, partitions);
  }
  partitions.set(partition, replica);
}

function take<Key>(table: Map<Key, Map<number, Replica>>, key: Key, partition: number, replica: Replica): void {
  const partitions = table.get(key);
  if (partitions?.get(partition) !== replica) return;
  partitions.delete(partition);
  if (partitions.size === 0) table.delete(key);
}
