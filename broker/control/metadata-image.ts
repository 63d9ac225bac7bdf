import type { BrokerId, PartitionIndex, TopicId } from "../base/ids.ts";
import type {
  BrokerRow,
  DeletionRow,
  MetadataRows,
  MetadataVersion,
  PartitionRow,
  TopicRow,
} from "../contract/rows.ts";

/** What applying rows changed: exactly the rows that were news here. */
export interface ImageChange {
  readonly rows: MetadataRows;
  /** Topics this image held that a snapshot no longer mentions: closed and kept aside, never deleted. */
  readonly unmentioned: readonly TopicRow[];
}

/** One object, so that readers can tell by identity that nothing changed. */
const NOTHING_SET: Readonly<Record<string, string>> = {};

/**
 * The cluster as this broker last heard of it. Only `ControlSession` changes it; everyone else reads, synchronously.
 * A row replaces an older one only by a higher epoch of its own, so that a late or repeated message changes nothing.
 */
export class MetadataImage {
  #version: MetadataVersion | null = null;
  readonly #brokers = new Map<BrokerId, BrokerRow>();
  readonly #topics = new Map<TopicId, TopicRow>();
  readonly #topicsByName = new Map<string, TopicRow>();
  readonly #partitions = new Map<TopicId, PartitionRow[]>();
  readonly #deletions = new Map<TopicId, DeletionRow>();
  readonly #brokerConfigs = new Map<string, Readonly<Record<string, string>>>();

  /** Newest version applied; null before the first snapshot. */
  get version(): MetadataVersion | null {
    return this.#version;
  }

  /** Every registered broker, fenced ones included, by id. */
  brokers(): BrokerRow[] {
    return [...this.#brokers.values()].sort((a, b) => a.id - b.id);
  }

  broker(id: BrokerId): BrokerRow | undefined {
    return this.#brokers.get(id);
  }

  /** Has a session and is not on its way out. */
  isAlive(id: BrokerId): boolean {
    const row = this.#brokers.get(id);
    return row !== undefined && !row.isFenced;
  }

  /** By name. */
  topics(): TopicRow[] {
    return [...this.#topicsByName.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  topic(id: TopicId): TopicRow | undefined {
    return this.#topics.get(id);
  }

  topicByName(name: string): TopicRow | undefined {
    return this.#topicsByName.get(name);
  }

  /** Rows of a topic, by partition; empty when unknown. */
  partitions(topic: TopicId): readonly PartitionRow[] {
    return this.#partitions.get(topic) ?? [];
  }

  partition(topic: TopicId, index: PartitionIndex): PartitionRow | undefined {
    return this.#partitions.get(topic)?.[index];
  }

  /** In the ISR of every partition that it is a replica of; one that it is only being given does not count. */
  isInSyncEverywhere(broker: BrokerId): boolean {
    for (const rows of this.#partitions.values()) {
      for (const { replicas, adding, isr } of rows) {
        if (replicas.includes(broker) && !isr.includes(broker) && !adding.includes(broker)) return false;
      }
    }
    return true;
  }

  isDeleted(topic: TopicId): boolean {
    return this.#deletions.has(topic);
  }

  /** What was set dynamically on one broker ("3") or on all ("" ). */
  brokerConfig(broker: string): Readonly<Record<string, string>> {
    return this.#brokerConfigs.get(broker) ?? NOTHING_SET;
  }

  /** All rows, as a snapshot of this version. */
  snapshot(): MetadataRows {
    return {
      brokers: this.brokers(),
      topics: this.topics(),
      partitions: this.topics().flatMap((topic) => this.#partitions.get(topic.topicId) ?? []),
      deletions: [...this.#deletions.values()],
      brokerConfigs: [...this.#brokerConfigs].map(([broker, config]) => ({ broker, config })),
    };
  }

  /** Applies what one commit changed. */
  applyDelta(rows: MetadataRows, version: MetadataVersion): ImageChange {
    this.#version = version;
    return { rows: this.#applyRows(rows), unmentioned: [] };
  }

  /**
   * Applies all rows there are. Topics it does not mention leave the image and are named, so that data is kept; so do
   * partitions of a topic that it mentions (partitions never become fewer, but a store may have been set back).
   */
  applySnapshot(rows: MetadataRows, version: MetadataVersion): ImageChange {
    const mentioned = new Set(rows.topics.map((topic) => topic.topicId));
    const deleted = new Set(rows.deletions.map((row) => row.topicId));
    const unmentioned = [...this.#topics.values()].filter(
      (topic) => !mentioned.has(topic.topicId) && !deleted.has(topic.topicId),
    );
    for (const topic of unmentioned) this.#forget(topic.topicId);
    this.#forgetPartitionsBeyond(rows);
    this.#deletions.clear();
    this.#brokerConfigs.clear();
    const brokers = new Set(rows.brokers.map((broker) => broker.id));
    for (const id of this.#brokers.keys()) if (!brokers.has(id)) this.#brokers.delete(id);
    this.#version = version;
    return { rows: this.#applyRows(rows), unmentioned };
  }

  #forgetPartitionsBeyond(rows: MetadataRows): void {
    const counts = new Map<TopicId, number>();
    for (const { topicId, partition } of rows.partitions) {
      counts.set(topicId, Math.max(counts.get(topicId) ?? 0, partition + 1));
    }
    for (const [topicId, known] of this.#partitions) {
      known.length = Math.min(known.length, counts.get(topicId) ?? 0);
    }
  }

  #applyRows(rows: MetadataRows): MetadataRows {
    for (const row of rows.deletions) {
      this.#deletions.set(row.topicId, row);
      this.#forget(row.topicId);
    }
    for (const id of rows.removedBrokers ?? []) {
      this.#brokers.delete(id);
      this.#brokerConfigs.delete(String(id));
    }
    const brokers = rows.brokers.filter((row) => this.#applyBroker(row));
    const topics = rows.topics.filter((row) => this.#applyTopic(row));
    const partitions = rows.partitions.filter((row) => this.#applyPartition(row));
    for (const { broker, config } of rows.brokerConfigs) this.#brokerConfigs.set(broker, config);
    return { brokers, topics, partitions, deletions: rows.deletions, brokerConfigs: rows.brokerConfigs };
  }

  #applyBroker(row: BrokerRow): boolean {
    const known = this.#brokers.get(row.id);
    if (known !== undefined && known.epoch > row.epoch) return false;
    this.#brokers.set(row.id, row);
    return true;
  }

  #applyTopic(row: TopicRow): boolean {
    if (this.#deletions.has(row.topicId)) return false;
    const namesake = this.#topicsByName.get(row.name);
    if (namesake !== undefined && namesake.topicId !== row.topicId) this.#forget(namesake.topicId);
    this.#topics.set(row.topicId, row);
    this.#topicsByName.set(row.name, row);
    return true;
  }

  #applyPartition(row: PartitionRow): boolean {
    if (this.#deletions.has(row.topicId)) return false;
    let rows = this.#partitions.get(row.topicId);
    if (rows === undefined) {
      rows = [];
      this.#partitions.set(row.topicId, rows);
    }
    const known = rows[row.partition];
    if (known !== undefined && known.partitionEpoch >= row.partitionEpoch) return false;
    rows[row.partition] = row;
    return true;
  }

  #forget(topic: TopicId): void {
    const known = this.#topics.get(topic);
    this.#topics.delete(topic);
    this.#partitions.delete(topic);
    if (known !== undefined && this.#topicsByName.get(known.name)?.topicId === topic) {
      this.#topicsByName.delete(known.name);
    }
  }
}
