import { commit } from "./committed-records.ts";
import type { Facts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";
import { GONE } from "./record-names.ts";

/**
 * No two different records at one offset below any high watermark ever shown, on any replica. And, what it rests on:
 * (leader epoch, offset) names one record for ever, and leader epochs never fall along a log.
 */
export function oneRecordAnOffset(facts: Facts): Invariant {
  const named = new Map<string, Map<number, number[]>>();
  const namesOf = (partition: string, epoch: number): number[] => {
    let epochs = named.get(partition);
    if (epochs === undefined) named.set(partition, (epochs = new Map()));
    let ids = epochs.get(epoch);
    if (ids === undefined) epochs.set(epoch, (ids = []));
    return ids;
  };
  return {
    mirrorGrew(partition, mirror, fromOffset) {
      for (let at = mirror.batches.length - 1; at >= 0; at--) {
        const batch = mirror.batches[at];
        if (batch === undefined || batch.baseOffset + batch.count <= fromOffset) break;
        const before = mirror.batches[at - 1];
        if (before !== undefined && before.leaderEpoch > batch.leaderEpoch) {
          const what = `epoch ${batch.leaderEpoch} follows ${before.leaderEpoch} at offset ${batch.baseOffset}`;
          facts.fail(2, `${partition.name} on broker ${mirror.broker}: ${what}`);
        }
        const names = namesOf(`${partition.topicId}/${partition.partition}`, batch.leaderEpoch);
        for (let place = 0; place < batch.count; place++) {
          const offset = batch.baseOffset + place;
          const id = mirror.idAt(offset) as number;
          const known = names[offset];
          const name = `(epoch ${batch.leaderEpoch}, offset ${offset})`;
          if (id === GONE) {
            if (known !== undefined) continue;
            facts.fail(2, `${partition.name} on broker ${mirror.broker}: ${name} is kept for what nobody wrote`);
          } else if (known === undefined) names[offset] = id;
          else if (known !== id) {
            facts.fail(2, `${partition.name} on broker ${mirror.broker}: ${name} is another record than elsewhere`);
          }
        }
      }
    },
    read(partition, reading, batches) {
      for (const batch of batches) {
        for (const [place, id] of batch.ids.entries()) {
          const offset = batch.baseOffset + place;
          if (offset < reading.fetchOffset || id === GONE) continue;
          commit(facts, partition, { offset, id, isAcked: false });
        }
      }
    },
    highWatermarkKept(partition, broker, highWatermark) {
      const mirror = partition.mirrors.get(broker);
      if (mirror === undefined || partition.hasLost || partition.torn.has(broker)) return;
      for (let offset = mirror.start; offset < Math.min(highWatermark, mirror.end); offset++) {
        const known = partition.committed[offset];
        const held = mirror.idAt(offset);
        if (known === undefined || known === held || held === GONE) continue;
        const what = `another record at offset ${offset}, below its high watermark ${highWatermark}`;
        return facts.fail(2, `${partition.name}: broker ${broker} has ${what}`);
      }
    },
  };
}
