import type { Facts, PartitionFacts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";
import type { MirroredBatch } from "./replica-mirror.ts";

interface Progress {
  /** Everything below was looked at. */
  nextOffset: number;
  /** Some was gone before it could be looked at. */
  hasJumped: boolean;
  /** By producer id: the sequence that must come next. */
  readonly next: Map<number, number>;
}

/** Records of one producer session keep their order, each once, with none left out. */
export function orderOfProducers(facts: Facts): Invariant {
  const progress = new Map<PartitionFacts, Progress>();
  const progressOf = (partition: PartitionFacts): Progress => {
    let known = progress.get(partition);
    if (known === undefined) progress.set(partition, (known = { nextOffset: 0, hasJumped: false, next: new Map() }));
    return known;
  };
  const follow = (partition: PartitionFacts, state: Progress, batch: MirroredBatch): void => {
    if (partition.hasRetention && batch.baseOffset > state.nextOffset) {
      state.nextOffset = batch.baseOffset;
      state.hasJumped = true;
      state.next.clear();
    }
    if (batch.baseOffset !== state.nextOffset) return;
    state.nextOffset += batch.count;
    if (batch.producerId < 0) return;
    // Where nothing of a producer is left, any sequence is taken: that is so only after a loss, or by retention.
    const first = partition.lossCount > 0 || state.hasJumped ? batch.baseSequence : 0;
    const expected = state.next.get(batch.producerId) ?? first;
    if (batch.baseSequence !== expected && !facts.isVolatile(partition.topicId)) {
      const what = `sequence ${batch.baseSequence} where ${expected} must come, offset ${batch.baseOffset}`;
      facts.fail(5, `${partition.name}: producer ${batch.producerId} has ${what}`);
    }
    state.next.set(batch.producerId, batch.baseSequence + batch.count);
  };
  return {
    read(partition, _reading, batches) {
      const state = progressOf(partition);
      for (const batch of batches) follow(partition, state, batch);
    },
    excused(partition, fromOffset) {
      const before = progress.get(partition);
      progress.set(partition, { nextOffset: 0, hasJumped: false, next: new Map() });
      const leader = partition.mirrors.get(partition.row?.leader ?? -1);
      if (before === undefined || leader === undefined) return;
      const state = progressOf(partition);
      for (const batch of leader.batches) {
        if (batch.baseOffset + batch.count > Math.min(fromOffset, before.nextOffset)) break;
        follow(partition, state, batch);
      }
    },
  };
}
