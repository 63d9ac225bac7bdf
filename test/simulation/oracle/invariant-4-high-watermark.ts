import type { Facts } from "./facts.ts";
import type { Invariant } from "./invariant.ts";

/**
 * The high watermark never falls within an epoch as one reader sees it at the leader, and nobody reads at or above it.
 * A follower may know less than it did: it begins anew with what it has kept.
 */
export function highWatermarkAsSeen(facts: Facts): Invariant {
  const seen = new Map<string, number>();
  return {
    read(partition, reading, batches) {
      const key = `${reading.reader}/${partition.topicId}/${partition.partition}/${reading.leaderEpoch}`;
      const before = seen.get(key) ?? 0;
      const { highWatermark, isOfFollower } = reading;
      if (highWatermark < before && !isOfFollower) {
        const what = `the high watermark fell from ${before} to ${highWatermark} in epoch ${reading.leaderEpoch}`;
        facts.fail(4, `${partition.name}: ${what}, as ${reading.reader} saw it at broker ${reading.broker}`);
      }
      if (!isOfFollower) seen.set(key, highWatermark);
      const last = batches.at(-1);
      if (last !== undefined && last.baseOffset + last.count > highWatermark) {
        const end = last.baseOffset + last.count;
        facts.fail(4, `${partition.name}: ${reading.reader} read up to ${end}, above the mark ${highWatermark}`);
      }
    },
  };
}
