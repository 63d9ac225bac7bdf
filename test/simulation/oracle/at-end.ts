import type { SimulatedConsumer } from "../clients/consumer.ts";
import { everWritten, holds, lastOfKeys, mayBeGone, placeOf } from "./compacted-records.ts";
import { expectedFrom } from "./committed-records.ts";
import type { Facts, PartitionFacts } from "./facts.ts";
import type { ReplicaMirror } from "./replica-mirror.ts";

const alive = (facts: Facts): PartitionFacts[] =>
  [...facts.partitions.values()].filter((partition) => !partition.isDeleted && partition.row !== null);

/** What is not yet as it must be once all faults are over; null when everything is. */
export function notHealed(
  facts: Facts,
  clients: { unacked: number; auditors: readonly SimulatedConsumer[] },
): string | null {
  for (const { name, row } of alive(facts)) {
    if (row === null) continue;
    if (row.leader < 0) return `${name} has no leader`;
    const moving = [...row.adding, ...row.removing, ...row.removed];
    if (moving.length > 0) return `${name} is on its way: ${moving.join()} of [${row.replicas.join()}]`;
    if (row.isr.length < row.replicas.length) return `${name} has ISR [${row.isr.join()}] of [${row.replicas.join()}]`;
  }
  if (clients.unacked > 0) return `${clients.unacked} batches are not acked`;
  for (const partition of alive(facts)) {
    if (facts.isVolatile(partition.topicId)) continue;
    const left = [...partition.mirrors.keys()].find((id) => partition.row?.replicas.every((one) => one !== id));
    if (left !== undefined) return `${partition.name} was removed from broker ${left}, which still has its data`;
    const ends = (partition.row?.replicas ?? []).map((broker) => partition.mirrors.get(broker)?.end ?? 0);
    if (new Set(ends).size > 1) return `${partition.name} ends at ${ends.join(", ")} on its replicas`;
    const end = ends[0] ?? 0;
    const auditorName = `auditor-${facts.nameOf(partition.topicId)}-${partition.partition}`;
    const auditor = clients.auditors.find(({ name }) => name === auditorName);
    if (auditor === undefined || auditor.position < end) {
      return `${partition.name} was read up to ${auditor?.position}, mark ${auditor?.highWatermark}, of ${end}`;
    }
  }
  return null;
}

/** Everything was read from start to end: every replica holds the same, and every acked record was seen. */
export function checkAtEnd(facts: Facts): void {
  const { powerLosses, uncleanElections } = facts.counters;
  if (facts.losses.length > 0 && powerLosses === 0 && uncleanElections === 0) {
    facts.fail(1, `${facts.losses.length} losses are listed, but the power never went and no election was unclean`);
  }
  for (const partition of alive(facts)) {
    if (facts.isVolatile(partition.topicId)) continue;
    for (const broker of partition.row?.replicas ?? []) {
      const mirror = partition.mirrors.get(broker);
      for (let offset = expectedFrom(partition, mirror); offset < partition.committed.length; offset++) {
        const id = partition.committed[offset];
        if (id === undefined && (offset < partition.auditedFrom || partition.goneIn[offset] !== undefined)) continue;
        if (id === undefined) facts.fail(1, `${partition.name} offset ${offset} was never read`);
        else if (!holds(facts, partition, { mirror, offset, id })) {
          facts.fail(2, `${partition.name} offset ${offset} is another record, or none, on broker ${broker}`);
        }
      }
    }
    if (partition.isCompacted) checkSameWritten(facts, partition);
  }
}

/** Of each key a replica kept the last record, and the auditor saw it; tombstones that went in time do not count. */
function checkKeys(facts: Facts, partition: PartitionFacts, mirror: ReplicaMirror): void {
  for (const [key, last] of lastOfKeys(facts, partition, mirror)) {
    const { offset, id } = last;
    if (partition.expired.has(placeOf(last))) continue;
    const isThere = mirror.idAt(offset) === id;
    const isRead = offset < partition.auditedFrom || partition.audited.get(key) === id;
    if ((isThere && isRead) || (!isThere && mayBeGone(partition, last))) continue;
    const what = `the last record of key ${key}, at offset ${offset} on broker ${mirror.broker},`;
    facts.fail(1, `${partition.name}: ${what} ${isThere ? "was not read" : "is gone"}`);
  }
}

/** Whatever each replica has compacted, it was the same. */
function checkSameWritten(facts: Facts, partition: PartitionFacts): void {
  const written: number[] = [];
  for (const broker of partition.row?.replicas ?? []) {
    const mirror = partition.mirrors.get(broker);
    if (mirror === undefined) continue;
    for (const { offset, id } of everWritten(partition, mirror, mirror.start)) {
      written[offset] ??= id;
      if (written[offset] === id) continue;
      facts.fail(
        2,
        `${partition.name} offset ${offset} was another record on broker ${broker} before it was compacted`,
      );
    }
    checkKeys(facts, partition, mirror);
  }
}
