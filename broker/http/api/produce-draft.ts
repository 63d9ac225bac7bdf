import { RecordBatchWriter, recordBytesMax, type WrittenRecord } from "../../wire/record-batch-writer.ts";

/** What became of one batch. */
export type BatchOutcome =
  | { readonly kind: "appended"; readonly baseOffset: number }
  /** `isRetriable`: it may go well when it is sent again. It may also be there already where the message says so. */
  | { readonly kind: "failed"; readonly isRetriable: boolean; readonly message: string };

/** Where a record of a draft stands: its batch, and its place in it. */
export interface DraftPlace {
  readonly partition: number;
  readonly batch: RecordBatchWriter;
  readonly index: number;
}

/**
 * The records of one request, in the batches in which they will be sent: what is kept of a record besides are two
 * numbers and its batch. Nothing is sent before all of the request was found good.
 */
export class ProduceDraft {
  readonly #batchBytesMax: number;
  readonly #batches = new Map<number, RecordBatchWriter[]>();
  readonly #partitions: number[] = [];
  readonly #batchOf: RecordBatchWriter[] = [];
  readonly #indexes: number[] = [];
  #sizeBytes = 0;

  /** A batch is not begun with more than `batchBytesMax`; a record that is larger by itself has one for itself. */
  constructor(batchBytesMax: number) {
    this.#batchBytesMax = batchBytesMax;
  }

  get count(): number {
    return this.#partitions.length;
  }

  /** Of all batches as they stand. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** By partition, each in the order of its records. */
  get batches(): ReadonlyMap<number, readonly RecordBatchWriter[]> {
    return this.#batches;
  }

  add(partition: number, record: WrittenRecord): void {
    const batch = this.#batchFor(partition, recordBytesMax(record));
    this.#partitions.push(partition);
    this.#batchOf.push(batch);
    this.#indexes.push(batch.count);
    const before = batch.sizeBytes;
    batch.add(record);
    this.#sizeBytes += batch.sizeBytes - before;
  }

  /** In the order in which they were added. */
  *places(): Generator<DraftPlace> {
    for (let at = 0; at < this.#partitions.length; at++) {
      yield { partition: this.#partitions[at]!, batch: this.#batchOf[at]!, index: this.#indexes[at]! };
    }
  }

  #batchFor(partition: number, recordBytes: number): RecordBatchWriter {
    let batches = this.#batches.get(partition);
    if (batches === undefined) {
      batches = [];
      this.#batches.set(partition, batches);
    }
    const last = batches.at(-1);
    if (last !== undefined && last.sizeBytes + recordBytes <= this.#batchBytesMax) return last;
    const fresh = new RecordBatchWriter();
    batches.push(fresh);
    return fresh;
  }
}
