import { Kafka, logLevel, Partitioners, type Producer } from "kafkajs";
import type { InputRecord } from "./source.ts";
import type { WireTap } from "./wire-tap.ts";

const BATCH_RECORDS_MAX = 100;
/** Header that carries a record's place in the input. */
export const PLACE_HEADER = "n";
/** A leader may be away this long before a request is given up: about a minute. */
const RETRY = { initialRetryTime: 15, maxRetryTime: 120, factor: 0.2, multiplier: 1.5, retries: 500 };

export interface LaneEvents {
  onAcked(partition: number, records: readonly InputRecord[]): void;
  onFault(partition: number, error: unknown): void;
}

/** The records of one partition: an idempotent producer of its own with one request at a time, so nothing overtakes. */
class Lane {
  readonly #partition: number;
  readonly #topic: string;
  readonly #producer: Producer;
  readonly #events: LaneEvents;
  #queue: InputRecord[] = [];
  #running: Promise<void> | null = null;

  constructor(producer: Producer, at: { topic: string; partition: number }, events: LaneEvents) {
    this.#producer = producer;
    this.#topic = at.topic;
    this.#partition = at.partition;
    this.#events = events;
  }

  get queued(): number {
    return this.#queue.length;
  }

  add(record: InputRecord): void {
    this.#queue.push(record);
    this.#running ??= this.#run();
  }

  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  close(): Promise<void> {
    return this.#producer.disconnect();
  }

  async #run(): Promise<void> {
    try {
      while (this.#queue.length > 0) {
        const records = this.#queue.slice(0, BATCH_RECORDS_MAX);
        const timestamp = String(Date.now());
        const messages = records.map(({ n, key, value }) => ({
          key,
          value,
          partition: this.#partition,
          timestamp,
          headers: { [PLACE_HEADER]: String(n) },
        }));
        await this.#producer.send({ topic: this.#topic, acks: -1, messages });
        this.#queue = this.#queue.slice(records.length);
        this.#events.onAcked(this.#partition, records);
      }
    } catch (error) {
      this.#events.onFault(this.#partition, error);
    }
    this.#running = null;
  }
}

export interface LanesOptions {
  readonly bootstrap: string;
  readonly topic: string;
  readonly partitions: number;
  readonly tap: WireTap;
  readonly events: LaneEvents;
}

/** One lane a partition; a record's key chooses its lane as Kafka's own clients would. */
export class Lanes {
  readonly #lanes: Lane[] = [];
  readonly #options: LanesOptions;
  readonly #partitioner = Partitioners.DefaultPartitioner();
  readonly #partitionMetadata: { partitionId: number; leader: number }[];

  private constructor(options: LanesOptions) {
    this.#options = options;
    this.#partitionMetadata = Array.from({ length: options.partitions }, (_, partitionId) => ({
      partitionId,
      leader: 0,
    }));
  }

  static async open(options: LanesOptions): Promise<Lanes> {
    process.env["KAFKAJS_NO_PARTITIONER_WARNING"] = "1";
    const lanes = new Lanes(options);
    const kafka = new Kafka({
      clientId: "demo-producer",
      brokers: options.bootstrap.split(","),
      logLevel: logLevel.NOTHING,
      connectionTimeout: 1000,
      requestTimeout: 5000,
      socketFactory: options.tap.factory as never,
      retry: RETRY,
    });
    for (let partition = 0; partition < options.partitions; partition++) {
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        retry: RETRY,
      });
      await producer.connect();
      lanes.#lanes.push(new Lane(producer, { topic: options.topic, partition }, options.events));
    }
    return lanes;
  }

  /** Records that wait for a request, in all lanes. */
  get queued(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.queued, 0);
  }

  add(record: InputRecord): void {
    const { topic } = this.#options;
    const partitionMetadata = this.#partitionMetadata as never;
    const partition = this.#partitioner({ topic, partitionMetadata, message: record });
    this.#lanes[partition]?.add(record);
  }

  async drained(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.drained()));
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#lanes.map((lane) => lane.close()));
  }
}
