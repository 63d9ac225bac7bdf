import { assert } from "../base/assert.ts";
import type { Offset, TimestampMs } from "../base/ids.ts";
import {
  baseSequenceOf,
  isControl,
  lastOffsetDeltaOf,
  lastSequenceOf,
  maxTimestampOf,
  producerEpochOf,
  producerIdOf,
} from "../wire/record-batch.ts";

/** How many batches a producer may have in flight, and so how many are remembered (KIP-98, KIP-679). */
export const REMEMBERED_BATCHES = 5;

const OUT_OF_ORDER_SEQUENCE_NUMBER = 45;
const INVALID_PRODUCER_EPOCH = 47;
const SEQUENCES = 0x8000_0000;

/** One batch of a producer, as remembered and as a snapshot file holds it. */
export interface ProducerBatch {
  readonly producerId: number;
  readonly epoch: number;
  readonly lastSequence: number;
  readonly lastOffset: Offset;
  readonly offsetDelta: number;
  readonly timestampMs: TimestampMs;
}

interface Producer {
  epoch: number;
  /** Of `epoch` only, oldest first, at most {@link REMEMBERED_BATCHES}; never empty. */
  batches: ProducerBatch[];
  lastSeenMs: number;
}

export type ProducerCheck =
  | { readonly kind: "append" }
  | {
      readonly kind: "duplicate";
      readonly baseOffset: Offset;
      readonly lastOffset: Offset;
      readonly timestampMs: TimestampMs;
    }
  | { readonly kind: "refused"; readonly errorCode: number };

const APPEND: ProducerCheck = { kind: "append" };

/**
 * What each idempotent producer wrote last to one partition: a function of the log's records (and, for expiry, of the
 * time that is handed in). Semantics: KIP-98 as Kafka's ProducerAppendInfo applies it. A producer without an entry may
 * begin at any sequence, because its records may have been deleted.
 */
export class ProducerStates {
  readonly #producers = new Map<number, Producer>();

  get size(): number {
    return this.#producers.size;
  }

  /** What to do with the batch at `at`, not appended yet. Batches without a producer, and control batches, append. */
  check(bytes: Uint8Array, at: number): ProducerCheck {
    const producerId = producerIdOf(bytes, at);
    if (producerId < 0 || isControl(bytes, at)) return APPEND;
    const producer = this.#producers.get(producerId);
    if (producer === undefined) return APPEND;
    const epoch = producerEpochOf(bytes, at);
    if (epoch < producer.epoch) return { kind: "refused", errorCode: INVALID_PRODUCER_EPOCH };
    const first = baseSequenceOf(bytes, at);
    if (epoch > producer.epoch) {
      return first === 0 ? APPEND : { kind: "refused", errorCode: OUT_OF_ORDER_SEQUENCE_NUMBER };
    }
    const lastSequence = lastSequenceOf(bytes, at);
    const offsetDelta = lastOffsetDeltaOf(bytes, at);
    for (const batch of producer.batches) {
      if (batch.lastSequence === lastSequence && batch.offsetDelta === offsetDelta) return duplicateOf(batch);
    }
    const expected = (producer.batches.at(-1)!.lastSequence + 1) % SEQUENCES;
    return first === expected ? APPEND : { kind: "refused", errorCode: OUT_OF_ORDER_SEQUENCE_NUMBER };
  }

  /** Notes the batch at `at` as appended with its last record at `lastOffset`. */
  update(bytes: Uint8Array, at: number, appended: { lastOffset: Offset; nowMs: number }): void {
    const producerId = producerIdOf(bytes, at);
    if (producerId < 0 || isControl(bytes, at)) return;
    this.add(
      {
        producerId,
        epoch: producerEpochOf(bytes, at),
        lastSequence: lastSequenceOf(bytes, at),
        lastOffset: appended.lastOffset,
        offsetDelta: lastOffsetDeltaOf(bytes, at),
        timestampMs: maxTimestampOf(bytes, at),
      },
      appended.nowMs,
    );
  }

  /** Adds one remembered batch: batches of one producer in the order of the log. */
  add(batch: ProducerBatch, nowMs: number): void {
    const producer = this.#producers.get(batch.producerId);
    if (producer === undefined) {
      this.#producers.set(batch.producerId, { epoch: batch.epoch, batches: [batch], lastSeenMs: nowMs });
      return;
    }
    if (producer.epoch !== batch.epoch) {
      producer.epoch = batch.epoch;
      producer.batches = [];
    }
    const last = producer.batches.at(-1);
    assert(last === undefined || last.lastOffset < batch.lastOffset, "a producer's batches are noted in log order");
    if (producer.batches.length === REMEMBERED_BATCHES) producer.batches.shift();
    producer.batches.push(batch);
    producer.lastSeenMs = nowMs;
  }

  /** Forgets producers that wrote nothing for `expirationMs` before `nowMs`. The count forgotten. */
  expire({ nowMs, expirationMs }: { nowMs: number; expirationMs: number }): number {
    const before = this.#producers.size;
    for (const [producerId, producer] of this.#producers) {
      if (nowMs - producer.lastSeenMs >= expirationMs) this.#producers.delete(producerId);
    }
    return before - this.#producers.size;
  }

  /** Of each producer id, the last offset of the oldest batch that is remembered. */
  oldestOffsets(): Map<number, Offset> {
    const oldest = new Map<number, Offset>();
    for (const [producerId, { batches }] of this.#producers) oldest.set(producerId, batches[0]!.lastOffset);
    return oldest;
  }

  /** All that is remembered, a producer's batches oldest first. */
  *batches(): Generator<ProducerBatch> {
    for (const producer of this.#producers.values()) yield* producer.batches;
  }
}

const duplicateOf = (batch: ProducerBatch): ProducerCheck => ({
  kind: "duplicate",
  baseOffset: (batch.lastOffset - batch.offsetDelta) as Offset,
  lastOffset: batch.lastOffset,
  timestampMs: batch.timestampMs,
});
