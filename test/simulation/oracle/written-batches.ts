import { GONE } from "./record-names.ts";
import type { MirroredBatch, ReplicaMirror } from "./replica-mirror.ts";

/** A batch with all its records, as a leader wrote it. */
export interface WrittenBatch extends MirroredBatch {
  /** Names of its records. */
  readonly ids: readonly number[];
}

/** Every batch that was ever on a disk with all its records: (leader epoch, offset) names one record for ever. */
export class WrittenBatches {
  /** By leader epoch and offset. */
  readonly #batches = new Map<number, WrittenBatch[]>();

  /** Takes what a replica holds from `fromOffset` on. */
  note(mirror: ReplicaMirror, fromOffset: number): void {
    for (let at = mirror.batches.length - 1; at >= 0; at--) {
      const batch = mirror.batches[at] as MirroredBatch;
      if (batch.baseOffset + batch.count <= fromOffset) return;
      this.#noteBatch(mirror, batch);
    }
  }

  #noteBatch(mirror: ReplicaMirror, batch: MirroredBatch): void {
    const { baseOffset, count, leaderEpoch } = batch;
    let places = this.#batches.get(leaderEpoch);
    if (places === undefined) this.#batches.set(leaderEpoch, (places = []));
    if (places[baseOffset] !== undefined) return;
    const ids = mirror.ids.slice(baseOffset - mirror.start, baseOffset - mirror.start + count);
    if (ids.includes(GONE)) return;
    const written = { ...batch, ids };
    for (let offset = baseOffset; offset < baseOffset + count; offset++) places[offset] = written;
  }

  /** The batch with the record that was written at `offset` in an epoch; undefined when none ever was. */
  holding(leaderEpoch: number, offset: number): WrittenBatch | undefined {
    return this.#batches.get(leaderEpoch)?.[offset];
  }

  /** The name of that record. */
  idAt(leaderEpoch: number, offset: number): number | undefined {
    const batch = this.holding(leaderEpoch, offset);
    return batch?.ids[offset - batch.baseOffset];
  }
}
