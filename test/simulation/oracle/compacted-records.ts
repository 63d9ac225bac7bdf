import { SKEW_MS_MAX, WALL_START_MS } from "../world/process.ts";
import type { Facts, PartitionFacts } from "./facts.ts";
import { GONE, type KeyedRecord } from "./record-names.ts";
import type { GoneRecord, MirroredBatch, ReplicaMirror } from "./replica-mirror.ts";

/*
 * What compaction may take: a record whose key has a later one in the log, committed by then, and a tombstone whose
 * time has come. Of each key the last record stays where it is.
 */

/** Where a record was written, and its name; whether it is there still is another question. */
export interface WrittenRecord {
  readonly offset: number;
  readonly leaderEpoch: number;
  readonly id: number;
}

/** Whether a replica has what is committed at an offset: the record, or its place and what took it. */
export function holds(
  facts: Facts,
  partition: PartitionFacts,
  { mirror, offset, id }: { mirror: ReplicaMirror | undefined; offset: number; id: number },
): boolean {
  const held = mirror?.idAt(offset);
  if (held === id) return true;
  if (mirror === undefined || held !== GONE) return false;
  const last = lastOfKeys(facts, partition, mirror).get(facts.contents.record(id)?.key ?? "");
  if (last === undefined) return false;
  return mirror.idAt(last.offset) === last.id || mayBeGone(partition, last);
}

/** Names the place of a record for ever. */
export const placeOf = ({ leaderEpoch, offset }: Pick<WrittenRecord, "leaderEpoch" | "offset">): string =>
  `${leaderEpoch}/${offset}`;

/**
 * Whether the last record of a key may be gone, and the key with it: a tombstone in its time, or one that went for a
 * record which is among what is listed as lost. Whoever copied the compacted log had nothing else of the key then.
 */
export function mayBeGone(partition: PartitionFacts, last: WrittenRecord): boolean {
  const place = placeOf(last);
  return partition.expired.has(place) || (partition.supersededBy.get(place) ?? -1) >= partition.lostFrom;
}

const knownLasts = new WeakMap<ReplicaMirror, { version: number; lasts: ReadonlyMap<string, WrittenRecord> }>();

/** The last record of each key that was ever written into what a replica holds now. */
export function lastOfKeys(
  facts: Facts,
  partition: PartitionFacts,
  mirror: ReplicaMirror,
): ReadonlyMap<string, WrittenRecord> {
  const { version } = mirror;
  const known = knownLasts.get(mirror);
  if (known?.version === version) return known.lasts;
  const lasts = new Map<string, WrittenRecord>();
  for (const record of everWritten(partition, mirror, mirror.start)) {
    const { key } = facts.contents.record(record.id) ?? {};
    if (key !== undefined) lasts.set(key, record);
  }
  knownLasts.set(mirror, { version, lasts });
  return lasts;
}

/** What was written at each offset from `fromOffset` on, whether compaction has left it there or not. */
export function* everWritten(
  partition: PartitionFacts,
  mirror: ReplicaMirror,
  fromOffset: number,
): Generator<WrittenRecord> {
  for (let at = mirror.batchIndexOf(fromOffset); at < mirror.batches.length; at++) {
    const { baseOffset, count, leaderEpoch } = mirror.batches[at] as MirroredBatch;
    for (let offset = Math.max(fromOffset, baseOffset); offset < baseOffset + count; offset++) {
      const held = mirror.idAt(offset);
      const id = held === GONE ? partition.written.idAt(leaderEpoch, offset) : held;
      if (id !== undefined) yield { offset, leaderEpoch, id };
    }
  }
}

/** Whether `gone` went from a replica by right. */
export function checkGone(facts: Facts, partition: PartitionFacts, what: { mirror: ReplicaMirror; gone: GoneRecord }) {
  const { mirror, gone } = what;
  const { offset, id, batch } = gone;
  facts.counters.cleanedRecords++;
  partition.goneIn[offset] = batch.leaderEpoch;
  const place = placeOf({ offset, leaderEpoch: batch.leaderEpoch });
  const record = facts.contents.record(id) ?? { key: "", isTombstone: false, timestampMs: 0 };
  const { key, isTombstone } = record;
  if (isTooYoung(facts, partition, record)) {
    const lag = `${partition.minCompactionLagMs} ms`;
    return facts.fail(1, `${partition.name}: broker ${mirror.broker} has compacted offset ${offset} before ${lag}`);
  }
  const fault = isTombstone ? whyTooEarly(facts, partition, gone) : "it stood for its key";
  if (fault === null) {
    // Also where a later record of its key follows now: that may be cut off again.
    facts.counters.expiredTombstones++;
    partition.expired.add(place);
    return;
  }
  const next = nextOfKey(facts, partition, { mirror, key, offset });
  if (next !== undefined && next < committedEnd(facts, partition)) {
    partition.supersededBy.set(place, next);
    return;
  }
  const follower = next === undefined ? "" : `; the next one, at ${next}, is not committed`;
  const lacks = `broker ${mirror.broker} has no more the record of key ${key} at offset ${offset}`;
  facts.fail(1, `${partition.name}: ${lacks}: ${fault}${follower}`);
}

/** Whether a record went before its `min.compaction.lag.ms`, by any clock. */
const isTooYoung = (facts: Facts, partition: PartitionFacts, { timestampMs }: KeyedRecord): boolean =>
  timestampMs + partition.minCompactionLagMs > WALL_START_MS + facts.nowMs + SKEW_MS_MAX + 1;

function nextOfKey(
  facts: Facts,
  partition: PartitionFacts,
  { mirror, key, offset }: { mirror: ReplicaMirror; key: string; offset: number },
): number | undefined {
  for (const record of everWritten(partition, mirror, offset + 1)) {
    if (facts.contents.record(record.id)?.key === key) return record.offset;
  }
  return undefined;
}

/** What lies below was on all who must have it; what was lost, or given up, says nothing of that any more. */
function committedEnd(facts: Facts, partition: PartitionFacts): number {
  if (partition.hasLost || partition.unclean !== null) return Number.POSITIVE_INFINITY;
  const members = partition.members.filter((id) => !facts.unsettled.has(id) && !partition.torn.has(id));
  return Math.min(...members.map((id) => partition.mirrors.get(id)?.end ?? 0));
}

/** Null when a tombstone could go: a compaction had set it a time, `delete.retention.ms` ahead, and that has come. */
function whyTooEarly(facts: Facts, partition: PartitionFacts, { offset, batch }: GoneRecord): string | null {
  const { deleteHorizonMs } = batch;
  if (deleteHorizonMs === null) return "it had no time to go";
  const writtenMs = WALL_START_MS + (partition.writtenAtUs[offset] ?? 0) / 1000;
  if (deleteHorizonMs < writtenMs + partition.deleteRetentionMs - SKEW_MS_MAX) return "it was to go too early";
  return deleteHorizonMs > WALL_START_MS + facts.nowMs + SKEW_MS_MAX + 1 ? "its time had not come" : null;
}
