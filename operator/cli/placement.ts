import { type Message, type PartitionMetadata, type PartitionerArgs, Partitioners } from "kafkajs";

/**
 * Decides the partition of each record before kafkajs does, so that each of its sends is of one partition. A send of
 * several is not safe while leaders change: it keeps the answers of brokers, not of partitions, so what moves to a
 * broker that has answered already is never sent, and yet reported as done; what moves away from one is sent twice.
 */
export class Placement {
  readonly #topic: string;
  readonly #choose = Partitioners.DefaultPartitioner();
  /** Told by kafkajs at each send; null before the first. */
  #partitions: PartitionMetadata[] | null = null;

  constructor(topic: string) {
    this.#topic = topic;
  }

  /** For `kafka.producer`. */
  readonly createPartitioner = () => (args: PartitionerArgs) => {
    this.#partitions = args.partitionMetadata;
    return this.#choose(args);
  };

  /** The partition of a record that was sent, if the topic has none of that number; null otherwise. */
  missing({ partition }: Message): number | null {
    const isKnown = partition === undefined || this.#partitions?.some(({ partitionId }) => partitionId === partition);
    return isKnown === false ? (partition ?? null) : null;
  }

  get partitionCount(): number {
    return this.#partitions?.length ?? 0;
  }

  /** Records by partition, in their order. Before the partitions are known: the first record alone. */
  split(messages: readonly Message[]): { groups: Message[][]; rest: readonly Message[] } {
    const partitionMetadata = this.#partitions;
    if (partitionMetadata === null) return { groups: [messages.slice(0, 1)], rest: messages.slice(1) };
    const groups = new Map<number, Message[]>();
    for (const message of messages) {
      const partition = this.#choose({ topic: this.#topic, partitionMetadata, message });
      const group = groups.get(partition);
      if (group === undefined) groups.set(partition, [{ ...message, partition }]);
      else group.push({ ...message, partition });
    }
    return { groups: [...groups.values()], rest: [] };
  }
}
