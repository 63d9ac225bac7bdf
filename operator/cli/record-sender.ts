import type { CompressionTypes, Message, Producer } from "kafkajs";
import type { Placement } from "./placement.ts";

const BATCH_RECORDS_MAX = 2000;
const BATCH_BYTES_MAX = 512 * 1024;
/** What may wait for the send under way before reading stops. */
const WAITING_RECORDS_MAX = 3 * BATCH_RECORDS_MAX;
const WAITING_BYTES_MAX = 8 * BATCH_BYTES_MAX;

export interface Sending {
  readonly producer: Producer;
  readonly placement: Placement;
  readonly topic: string;
  /** Kafka's number: −1 for all in-sync replicas. */
  readonly acks: number;
  readonly compression: CompressionTypes;
}

const sizeOf = ({ key, value }: Message): number => (key?.length ?? 0) + (value?.length ?? 0);
const bytesOf = (messages: readonly Message[]): number => messages.reduce((sum, one) => sum + sizeOf(one), 0);

/** Sends records in their order, a request a partition at a time, as large as what has come meanwhile. */
export class RecordSender {
  readonly #sending: Sending;
  readonly #waiting: Message[] = [];
  #waitingBytes = 0;
  #running: Promise<void> | null = null;
  fault: unknown = null;
  /** Records that were given to us. */
  taken = 0;
  acked = 0;
  ackedBytes = 0;

  constructor(sending: Sending) {
    this.#sending = sending;
  }

  get isFull(): boolean {
    return this.#waiting.length >= WAITING_RECORDS_MAX || this.#waitingBytes >= WAITING_BYTES_MAX;
  }

  add(message: Message): void {
    this.#waiting.push(message);
    this.#waitingBytes += sizeOf(message);
    this.taken++;
    this.#running ??= this.#run();
  }

  /** Resolves when there is room again. */
  async room(): Promise<void> {
    while (this.isFull && this.fault === null && this.#running !== null) await this.#running;
  }

  async drained(): Promise<void> {
    while (this.#running !== null) await this.#running;
  }

  async #run(): Promise<void> {
    // What was read in one go is sent in one go.
    await Promise.resolve();
    while (this.#waiting.length > 0 && this.fault === null) {
      const { groups, rest } = this.#sending.placement.split(this.#take());
      this.#waiting.unshift(...rest);
      this.#waitingBytes += bytesOf(rest);
      await Promise.all(groups.map((group) => this.#send(group)));
    }
    this.#running = null;
  }

  async #send(messages: Message[]): Promise<void> {
    const { producer, placement, topic, acks, compression } = this.#sending;
    try {
      await producer.send({ topic, acks, compression, messages });
      // The client drops what is for a partition that does not exist, and says nothing.
      const missing = placement.missing(messages[0]!);
      if (missing !== null) throw new Error(`it has partitions 0 to ${placement.partitionCount - 1}, not ${missing}`);
      this.acked += messages.length;
      this.ackedBytes += bytesOf(messages);
    } catch (error) {
      this.fault ??= error;
    }
  }

  #take(): Message[] {
    let bytes = 0;
    let count = 0;
    for (const message of this.#waiting) {
      bytes += sizeOf(message) + 64;
      if (count > 0 && (bytes > BATCH_BYTES_MAX || count >= BATCH_RECORDS_MAX)) break;
      count++;
    }
    const taken = this.#waiting.splice(0, count);
    this.#waitingBytes -= bytesOf(taken);
    return taken;
  }
}
