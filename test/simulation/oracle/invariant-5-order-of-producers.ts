import type { Facts, PartitionFacts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";
import type { MirroredBatch } from "./replica-mirror.ts";

interface Progress {
  /** Everything below was looked at. */
  nextOffset: number;
  /** Of the last one looked at. */
  leaderEpoch: number;
  /** Some was gone before it could be looked at. */
  hasJumped: boolean;
  /** By producer id: the sequence that must come next. */
  readonly next: Map<number, number>;
}

const nothingSeen = (): Progress => ({ nextOffset: 0, leaderEpoch: 0, hasJumped: false, next: new Map() });

/** Records of one producer session keep their order, each once, with none left out. */
export function orderOfProducers(facts: Facts): Invariant {
  const progress = new Map<PartitionFacts, Progress>();
  const progressOf = (partition: PartitionFacts): Progress => {
    let known = progress.get(partition);
    if (known === undefined) progress.set(partition, (known = nothingSeen()));
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
    state.leaderEpoch = batch.leaderEpoch;
    if (batch.producerId < 0) return;
    // Where nothing of a producer is left, any sequence is taken: that is so only after a loss, or by retention.
    const first = partition.hasLost || state.hasJumped ? batch.baseSequence : 0;
    const expected = state.next.get(batch.producerId) ?? first;
    if (batch.baseSequence !== expected && !facts.isVolatile(partition.topicId)) {
      const what = `sequence ${batch.baseSequence} where ${expected} must come, offset ${batch.baseOffset}`;
      facts.fail(5, `${partition.name}: producer ${batch.producerId} has ${what}`);
    }
    state.next.set(batch.producerId, batch.baseSequence + batch.count);
  };
  /** Of what compaction has taken out, the batches as they were written. */
  const followGone = (partition: PartitionFacts, state: Progress, to: { end: number; leaderEpoch: number | null }) => {
    while (state.nextOffset < to.end) {
      const { nextOffset } = state;
      const leaderEpoch = to.leaderEpoch ?? partition.goneIn[nextOffset] ?? -1;
      // Epochs do not fall along a log: what was taken out there belonged to one that was lost since.
      const isLater = leaderEpoch >= state.leaderEpoch;
      const batch = isLater ? partition.written.holding(leaderEpoch, nextOffset) : undefined;
      if (batch?.baseOffset !== nextOffset) return;
      follow(partition, state, batch);
    }
  };
  const followAll = (partition: PartitionFacts, state: Progress, batch: MirroredBatch): void => {
    followGone(partition, state, { end: batch.baseOffset, leaderEpoch: null });
    const { leaderEpoch } = batch;
    // A place for several batches, of no producer; others without a record keep their producer's word.
    if (batch.producerId < 0) followGone(partition, state, { end: batch.baseOffset + batch.count, leaderEpoch });
    follow(partition, state, batch);
  };
  return {
    read(partition, _reading, batches) {
      const state = progressOf(partition);
      for (const batch of batches) followAll(partition, state, batch);
    },
    excused(partition, fromOffset) {
      const before = progress.get(partition);
      progress.set(partition, nothingSeen());
      const leader = partition.mirrors.get(partition.row?.leader ?? -1);
      if (before === undefined || leader === undefined) return;
      const state = progressOf(partition);
      for (const batch of leader.batches) {
        if (batch.baseOffset + batch.count > Math.min(fromOffset, before.nextOffset)) break;
        followAll(partition, state, batch);
      }
    },
  };
}
