import { produce } from "../../../broker/wire/apis/00-produce.ts";
import { initProducerId } from "../../../broker/wire/apis/22-init-producer-id.ts";
import { isRetriableCode, kafkaErrorName, kafkaErrors } from "../../../broker/wire/error-codes.ts";
import { type CompressionName, crcOf } from "../../../broker/wire/record-batch.ts";
import { buildBatch, type RecordDraft } from "../../../broker/wire/record-batch-builder.ts";
import type { ClusterClient } from "./cluster-client.ts";

/** One batch on its way to one partition. */
export interface SentBatch {
  readonly producer: string;
  readonly partition: number;
  readonly count: number;
  readonly baseSequence: number;
  /** Place among all batches of its partition and session. */
  readonly place: number;
  /** CRC of its bytes: names it wherever it is seen again. */
  readonly crc: number;
  readonly bytes: Uint8Array;
  attempts: number;
  /** When it was last sent, in virtual microseconds. */
  sentAtUs: number;
  isInFlight: boolean;
}

/** An answer without error. */
export interface Ack {
  readonly topic: string;
  readonly topicId: string;
  readonly acks: number;
  readonly baseOffset: number;
  readonly batch: SentBatch;
}

export interface ProducerObserver {
  acked(ack: Ack): void;
  /** A sequence was refused although all before it was acked: must have a cause. */
  sequenceRefused(batch: SentBatch, topicId: string, refusal: { error: string; broker: number }): void;
  misbehaved(what: string): void;
  /** For whoever reads a trace. */
  said(text: () => string): void;
}

/** Few enough keys that records supersede one another; they come and go, so that each has a last record. */
export interface KeyPlan {
  /** In use at a time. */
  readonly count: number;
  /** A key goes out of use, and another comes into it. */
  readonly changeMs: number;
  /** Probability that a record has no value. */
  readonly tombstoneShare: number;
  readonly compression: CompressionName;
}

export interface ProducerOptions {
  readonly topic: string;
  readonly partitionCount: number;
  readonly acks: -1 | 1;
  readonly isIdempotent: boolean;
  /** Null: records have none. */
  readonly keys: KeyPlan | null;
  /** Mean time between two new batches of one partition. */
  readonly intervalMs: number;
  readonly observer: ProducerObserver;
}

const VERSIONS = [9, 11] as const;
const IN_FLIGHT_MAX = 5;
const UNACKED_MAX = 24;
/** How long a producer waits before it sends again; real ones wait up to a second. */
const RETRY_MS = [40, 40, 300, 1200] as const;

interface Lane {
  readonly partition: number;
  /** Not yet acked, in the order of their sequences. */
  batches: SentBatch[];
  nextSequence: number;
  nextPlace: number;
  backOffUntilMs: number;
}

/**
 * Produces without end, as Kafka's Java client does: up to five requests in flight to a partition, each with its
 * sequence; what failed goes again, first things first, and nothing new overtakes it.
 */
export class SimulatedProducer {
  readonly name: string;
  readonly #client: ClusterClient;
  readonly #options: ProducerOptions;
  readonly #version: number;
  readonly #retryMs: number;
  #lanes: Lane[] = [];
  #producerId = -1;
  #session = 0;
  #serial = 0;
  #isStopped = false;
  #isAsking = false;

  constructor(name: string, client: ClusterClient, options: ProducerOptions) {
    this.name = name;
    this.#client = client;
    this.#options = options;
    this.#version = client.random.pick(VERSIONS);
    this.#retryMs = client.random.pick(RETRY_MS);
    client.onReady = () => this.#pump();
    this.#startLanes();
  }

  /** Batches handed over and not yet acked. */
  get unacked(): number {
    return this.#lanes.reduce((sum, lane) => sum + lane.batches.length, 0);
  }

  start(): void {
    this.#client.refreshSoon();
    for (let partition = 0; partition < this.#options.partitionCount; partition++) this.#generateLater(partition);
    this.#tick();
  }

  /** No new records any more; what was handed over is still delivered. */
  stop(): void {
    this.#isStopped = true;
  }

  #startLanes(): void {
    this.#lanes = Array.from({ length: this.#options.partitionCount }, (_, partition) => ({
      partition,
      batches: [],
      nextSequence: 0,
      nextPlace: 0,
      backOffUntilMs: 0,
    }));
  }

  #tick(): void {
    this.#pump();
    this.#client.process.clock.after(this.unacked === 0 && this.#isStopped ? 500 : 100, () => this.#tick());
  }

  #generateLater(partition: number): void {
    const { random, process } = this.#client;
    process.clock.after(this.#options.intervalMs * (0.2 + 1.6 * random.next()), () => {
      if (this.#isStopped) return;
      this.#generate(partition);
      this.#pump();
      this.#generateLater(partition);
    });
  }

  #generate(partition: number): void {
    const lane = this.#lanes[partition];
    if (
      lane === undefined ||
      lane.batches.length >= UNACKED_MAX ||
      (this.#options.isIdempotent && this.#producerId < 0)
    ) {
      return;
    }
    const { random } = this.#client;
    const count = random.between(1, 8);
    // A segment of a compacted topic is small, and a batch no larger.
    const sizeBytesMax = this.#options.keys === null ? 6000 : 1500;
    const sizeBytes = random.chance(0.05) ? random.between(500, sizeBytesMax) : random.between(0, 60);
    const padding = ".".repeat(sizeBytes);
    const records = Array.from({ length: count }, () => this.#record(padding));
    const baseSequence = lane.nextSequence;
    lane.nextSequence += count;
    const session = { id: this.#producerId, epoch: 0, baseSequence };
    const compression = this.#options.keys?.compression ?? "none";
    const bytes = buildBatch(records, { compression, ...(this.#options.isIdempotent ? { producer: session } : {}) });
    lane.batches.push({
      producer: this.name,
      partition,
      count,
      baseSequence,
      place: lane.nextPlace++,
      crc: crcOf(bytes, 0),
      bytes,
      attempts: 0,
      sentAtUs: 0,
      isInFlight: false,
    });
  }

  /** One like no other, a tombstone included. */
  #record(padding: string): RecordDraft {
    const { random, process } = this.#client;
    const { keys } = this.#options;
    const timestamp = process.clock.now();
    const value = `${this.name}:${this.#session}:${this.#serial++}:${padding}`;
    if (keys === null) return { value, timestamp };
    const key = `key-${Math.floor(process.clock.monotonic() / keys.changeMs) + random.below(keys.count)}`;
    const isTombstone = random.chance(keys.tombstoneShare);
    return isTombstone ? { key, value: null, timestamp, headers: [{ key: "was", value }] } : { key, value, timestamp };
  }

  #pump(): void {
    if (this.#options.isIdempotent && this.#producerId < 0) return this.#askProducerId();
    const byLeader = new Map<number, SentBatch[]>();
    for (const lane of this.#lanes) {
      for (const batch of this.#ready(lane)) this.#address(batch, byLeader);
    }
    for (const [leader, batches] of byLeader) this.#sendTo(leader, batches);
  }

  /** What may be sent of a lane now, in order. */
  #ready(lane: Lane): SentBatch[] {
    if (this.#client.process.clock.monotonic() < lane.backOffUntilMs) return [];
    const flightMax = this.#options.isIdempotent ? IN_FLIGHT_MAX : 1;
    const ready: SentBatch[] = [];
    const [first] = lane.batches;
    for (const batch of lane.batches) {
      // Counted from the first unanswered one, not by what is under way: brokers remember so many batches only.
      if (first === undefined || batch.place - first.place >= flightMax) break;
      if (!batch.isInFlight) {
        if (batch.attempts > 0 && batch !== first) break;
        ready.push(batch);
        if (batch.attempts > 0) break;
      } else if (batch.attempts > 1 || batch.baseSequence === 0) {
        // Whoever leads by now may know nothing of the session, and would take any sequence for its first.
        break;
      }
    }
    return ready;
  }

  #address(batch: SentBatch, byLeader: Map<number, SentBatch[]>): void {
    const view = this.#client.view(this.#options.topic, batch.partition);
    if (view === undefined || view.leader < 0) return this.#client.refreshSoon();
    const list = byLeader.get(view.leader) ?? [];
    list.push(batch);
    byLeader.set(view.leader, list);
  }

  /** Batches of one partition go in requests of their own, since a request holds one batch a partition. */
  #sendTo(leader: number, batches: SentBatch[]): void {
    const connection = this.#client.connection(leader);
    if (connection === null) return;
    let rest = batches;
    while (rest.length > 0) {
      const seen = new Set<number>();
      const together = rest.filter((batch) => !seen.has(batch.partition) && seen.add(batch.partition));
      rest = rest.filter((batch) => !together.includes(batch));
      for (const batch of together) {
        batch.attempts++;
        batch.isInFlight = true;
        batch.sentAtUs = this.#client.process.clock.monotonic() * 1000;
      }
      const body = this.#body(together);
      const { observer } = this.#options;
      observer.said(() => `${this.name} sends to broker ${leader}: ${together.map(describe).join(", ")}`);
      const ids = new Map(
        together.map(({ partition }) => [partition, this.#client.view(this.#options.topic, partition)?.topicId ?? ""]),
      );
      connection.send(produce, { version: this.#version, body }, (response) => {
        if (response === null) {
          observer.said(() => `${this.name} hears nothing of ${together.map(describe).join(", ")}`);
          return this.#lost(together);
        }
        for (const answer of response.responses[0]?.partitionResponses ?? []) {
          const batch = together.find((one) => one.partition === answer.index);
          const from = { topicId: ids.get(answer.index) ?? "", broker: leader };
          if (batch !== undefined) this.#answered(batch, from, answer);
        }
        this.#pump();
      });
    }
  }

  #body(batches: readonly SentBatch[]) {
    const { topic, acks } = this.#options;
    const partitionData = batches.map(({ partition, bytes }) => ({ index: partition, records: bytes }));
    return {
      transactionalId: null,
      acks,
      timeoutMs: 1500,
      topicData: [{ name: topic, partitionData }],
    } as unknown as Parameters<typeof produce.writeRequest>[2];
  }

  #lost(batches: readonly SentBatch[]): void {
    for (const batch of batches) batch.isInFlight = false;
    this.#client.refreshSoon();
  }

  #answered(
    batch: SentBatch,
    { topicId, broker }: { topicId: string; broker: number },
    answer: { errorCode: number; baseOffset: number; currentLeader: { leaderId: number; leaderEpoch: number } },
  ): void {
    const lane = this.#lanes[batch.partition];
    const { observer } = this.#options;
    observer.said(() => `${this.name} hears ${answer.errorCode} of ${describe(batch)}, offset ${answer.baseOffset}`);
    batch.isInFlight = false;
    if (lane === undefined || !lane.batches.includes(batch)) return;
    const { errorCode } = answer;
    if (errorCode === 0) {
      lane.batches = lane.batches.filter((one) => one !== batch);
      const { topic, acks } = this.#options;
      observer.acked({ topic, topicId, acks, baseOffset: answer.baseOffset, batch });
      return;
    }
    if (errorCode === kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER && lane.batches[0] !== batch) return this.#backOff(lane);
    if (this.#endsSession(errorCode)) {
      this.#options.observer.sequenceRefused(batch, topicId, { error: kafkaErrorName(errorCode), broker });
      return this.#startSession();
    }
    if (!isRetriableCode(errorCode) || errorCode === kafkaErrors.CORRUPT_MESSAGE) {
      this.#options.observer.misbehaved(`${this.name} was answered ${kafkaErrorName(errorCode)}`);
    }
    this.#client.hint(this.#options.topic, batch.partition, answer.currentLeader);
    this.#client.refreshSoon();
    this.#backOff(lane);
  }

  #endsSession(errorCode: number): boolean {
    return (
      errorCode === kafkaErrors.OUT_OF_ORDER_SEQUENCE_NUMBER ||
      errorCode === kafkaErrors.UNKNOWN_PRODUCER_ID ||
      errorCode === kafkaErrors.INVALID_PRODUCER_EPOCH
    );
  }

  #backOff(lane: Lane): void {
    lane.backOffUntilMs = this.#client.process.clock.monotonic() + this.#retryMs * (0.5 + this.#client.random.next());
  }

  /** What was under way stays uncertain; new records go under a new producer id. */
  #startSession(): void {
    this.#producerId = -1;
    this.#session++;
    this.#startLanes();
    this.#askProducerId();
  }

  #askProducerId(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    void this.#askOnce();
  }

  async #askOnce(): Promise<void> {
    const again = (): void => {
      this.#client.process.clock.after(100, () => {
        this.#isAsking = false;
        this.#pump();
      });
    };
    const connection = await this.#client.anyConnection();
    if (connection === null) return again();
    const body = { transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 };
    connection.send(initProducerId, { version: 4, body }, (response) => {
      if (response === null || response.errorCode !== 0) return again();
      this.#producerId = response.producerId;
      this.#isAsking = false;
    });
  }
}

const describe = ({ partition, baseSequence, count, attempts }: SentBatch): string =>
  `p${partition} ${baseSequence}+${count} try ${attempts}`;
