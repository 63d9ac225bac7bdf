import { holds } from "./compacted-records.ts";
import type { Facts, PartitionFacts } from "./facts.ts";
import type { ReplicaMirror } from "./replica-mirror.ts";

/** Notes that `id` is the record at `offset`, for ever. */
export function commit(
  facts: Facts,
  partition: PartitionFacts,
  { offset, id, isAcked }: { offset: number; id: number; isAcked: boolean },
): void {
  if (partition.isGivenUp(offset, id)) return lose(facts, partition, { fromOffset: offset, count: 1 });
  const known = partition.committed[offset];
  if (isAcked) partition.acked[offset] = true;
  if (known !== undefined) {
    if (known === id) return;
    const what = isAcked ? "a producer has the word for another record than the one known" : "two different records";
    return facts.fail(isAcked ? 1 : 2, `${partition.name} offset ${offset}: ${what}`);
  }
  while (partition.committed.length < offset) partition.committed.push(undefined);
  partition.committed[offset] = id;
  for (const mirror of partition.mirrors.values()) {
    if (mirror.verifiedTo > offset && !holds(facts, partition, { mirror, offset, id })) mirror.verifiedTo = offset;
  }
  for (const broker of partition.members) {
    if (facts.unsettled.has(broker)) continue;
    const mirror = partition.mirrors.get(broker);
    if (offset >= expectedFrom(partition, mirror) && !holds(facts, partition, { mirror, offset, id }))
      return lacks(facts, partition, { broker, offset });
  }
}

/** First committed offset that the files of a replica do not hold; null when they hold all. */
export function firstLacking(
  facts: Facts,
  partition: PartitionFacts,
  mirror: ReplicaMirror | undefined,
): number | null {
  const { committed } = partition;
  if (mirror === undefined) {
    const first = committed.findIndex((id) => id !== undefined);
    return first < 0 ? null : first;
  }
  for (let offset = Math.max(mirror.verifiedTo, expectedFrom(partition, mirror)); offset < committed.length; offset++) {
    const id = committed[offset];
    if (id !== undefined && !holds(facts, partition, { mirror, offset, id })) return offset;
  }
  mirror.verifiedTo = committed.length;
  return null;
}

/** What goes is committed and the oldest: a replica may lack what lies below its files, as long as it may be gone. */
export function expectedFrom(partition: PartitionFacts, mirror: ReplicaMirror | undefined): number {
  if (mirror === undefined) return 0;
  return mirror.start <= Math.min(partition.goneTo, partition.committed.length) ? mirror.start : 0;
}

function lacks(facts: Facts, partition: PartitionFacts, { broker, offset }: { broker: number; offset: number }): void {
  const isAcked = partition.acked[offset] === true;
  const row = partition.row;
  const role = row?.leader === broker ? "leader" : row?.isr.some((id) => id === broker) === true ? "isr" : "elr";
  facts.fail(
    isAcked ? 1 : 2,
    `${partition.name} offset ${offset} (${isAcked ? "acked" : "shown"}) is not in the log of broker ${broker}, ` +
      `a member (${role}) in leader epoch ${row?.leaderEpoch}, partition epoch ${row?.partitionEpoch}; ` +
      `its log ends at ${partition.mirrors.get(broker)?.end ?? 0}`,
  );
}

/** Each member holds all that is committed. */
export function checkMembers(facts: Facts, partition: PartitionFacts): void {
  if (partition.isDeleted || partition.committed.length === 0) return;
  for (const broker of partition.members) checkMember(facts, partition, broker);
}

export function checkMember(facts: Facts, partition: PartitionFacts, broker: number): void {
  if (facts.unsettled.has(broker) || partition.isDeleted) return;
  const offset = firstLacking(facts, partition, partition.mirrors.get(broker));
  if (offset !== null) lacks(facts, partition, { broker, offset });
}

/** Forgets what nobody kept: from `offset` on nothing is committed any more. */
export function excuse(facts: Facts, partition: PartitionFacts, offset: number): void {
  const gone = partition.committed.slice(offset);
  partition.committed.length = Math.min(partition.committed.length, offset);
  partition.acked.length = Math.min(partition.acked.length, offset);
  for (const mirror of partition.mirrors.values()) mirror.verifiedTo = Math.min(mirror.verifiedTo, offset);
  lose(facts, partition, { fromOffset: offset, count: gone.filter((id) => id !== undefined).length });
}

function lose(facts: Facts, partition: PartitionFacts, what: { fromOffset: number; count: number }): void {
  partition.lostFrom = Math.min(partition.lostFrom, what.fromOffset);
  facts.losses.push({ partition: partition.name, ...what, atMs: facts.nowMs });
}
