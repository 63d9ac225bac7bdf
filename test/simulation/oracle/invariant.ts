import type { PartitionRow } from "../../../broker/contract/rows.ts";
import type { ToBroker, ToController } from "../../../broker/contract/control.ts";
import type { BrokerRecord } from "../../../operator/machine/state.ts";
import type { Ack } from "../clients/producer.ts";
import type { Reading } from "../clients/consumer.ts";
import type { PartitionFacts } from "./facts.ts";
import type { GoneRecord, MirroredBatch, ReplicaMirror } from "./replica-mirror.ts";

/** A batch as a reader was given it, and the names of its records. */
export interface ReadBatch extends MirroredBatch {
  readonly ids: readonly number[];
}

export interface RowChange {
  readonly partition: PartitionFacts;
  readonly before: PartitionRow | null;
  readonly after: PartitionRow;
  /** Epoch of the controller that committed it. */
  readonly controllerEpoch: number;
}

/** What may be looked at. Called when it happened, after the facts have it. */
export interface Invariant {
  rowCommitted?(change: RowChange): void;
  brokerCommitted?(record: BrokerRecord, before: BrokerRecord | undefined): void;
  commitLanded?(controllerEpoch: number, sequence: number): void;
  acked?(partition: PartitionFacts, ack: Ack): void;
  read?(partition: PartitionFacts, reading: Reading, batches: readonly ReadBatch[]): void;
  mirrorGrew?(partition: PartitionFacts, mirror: ReplicaMirror, fromOffset: number): void;
  /** Records that the files held from `fromOffset` on are not there any more. */
  mirrorChanged?(partition: PartitionFacts, mirror: ReplicaMirror, fromOffset: number): void;
  /** Compaction has left of these records their places. */
  mirrorCleaned?(partition: PartitionFacts, mirror: ReplicaMirror, records: readonly GoneRecord[]): void;
  /** Records of which nobody kept a copy are gone from `fromOffset` on. */
  excused?(partition: PartitionFacts, fromOffset: number): void;
  /** A controller sent this to a broker. */
  controllerSaid?(broker: number, message: ToBroker): void;
  /** A broker was handed this. */
  brokerHeard?(broker: number, message: ToBroker): void;
  brokerSaid?(broker: number, message: ToController): void;
  /** A broker's own checkpoint names this high watermark. */
  highWatermarkKept?(partition: PartitionFacts, broker: number, highWatermark: number): void;
  metadataKept?(broker: number, version: { controllerEpoch: number; sequence: number }): void;
}
