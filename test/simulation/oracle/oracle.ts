import { LineDecoder } from "../../../broker/base/json-lines.ts";
import type { ToBroker, ToController } from "../../../broker/contract/control.ts";
import type { MetadataVersion, PartitionRow, TopicRow } from "../../../broker/contract/rows.ts";
import { OFFSETS_TOPIC } from "../../../broker/groups/coordinator.ts";
import { batchPositions } from "../../../broker/wire/record-batch.ts";
import type { Change } from "../../../operator/machine/changes.ts";
import type { ConsumerObserver, Reading } from "../clients/consumer.ts";
import type { Ack, ProducerObserver, SentBatch } from "../clients/producer.ts";
import type { Connection } from "../world/network.ts";
import type { Volume } from "../world/volume.ts";
import { checkMember } from "./committed-records.ts";
import type { Facts, PartitionFacts } from "./facts.ts";
import type { Invariant, ReadBatch, RowChange } from "./invariant.ts";
import { nothingAckedIsLost } from "./invariant-1-nothing-acked-is-lost.ts";
import { oneRecordAnOffset } from "./invariant-2-one-record-an-offset.ts";
import { leadersAndEpochs } from "./invariant-3-leaders-and-epochs.ts";
import { highWatermarkAsSeen } from "./invariant-4-high-watermark.ts";
import { orderOfProducers } from "./invariant-5-order-of-producers.ts";
import { GroupOracle } from "./invariant-7-groups.ts";
import { committedBeforeSeen } from "./invariant-8-committed-before-seen.ts";
import { staleWords } from "./invariant-9-stale-words.ts";
import { type GoneRecord, type MirroredBatch, mirroredBatch, type ReplicaMirror } from "./replica-mirror.ts";
import { GONE } from "./record-names.ts";
import { VolumeWatch } from "./volume-watch.ts";

const LINE_BYTES_MAX = 1 << 26;

/** Watches the store, the disks, the control streams and the clients, and holds what it sees against the invariants. */
export class Oracle implements ProducerObserver, ConsumerObserver {
  readonly facts: Facts;
  /** What clients were told that no broker should say. */
  readonly misbehaviours: string[] = [];
  /** Says what clients do, when somebody wants to read it. */
  trace: ((text: string) => void) | null = null;
  /** A leader wishes for a larger ISR: its proposal is about to leave. */
  onGrowthProposed: (leader: number, added: readonly number[]) => void = () => {};
  /** A rewritten segment is about to take the place of others, a few steps of the disk from now. */
  onSwapBegun: (broker: number) => void = () => {};
  readonly groups: GroupOracle;
  readonly #invariants: readonly Invariant[];
  readonly #nowUs: () => number;
  /** Where each auditor goes on. */
  readonly #audited = new Map<string, number>();

  constructor(facts: Facts, nowUs: () => number) {
    this.facts = facts;
    this.#nowUs = nowUs;
    this.groups = new GroupOracle(facts, (what) => this.misbehaved(what));
    const five = orderOfProducers(facts);
    this.#invariants = [
      leadersAndEpochs(facts),
      committedBeforeSeen(facts),
      staleWords(facts),
      nothingAckedIsLost(facts, five.excused),
      oneRecordAnOffset(facts),
      highWatermarkAsSeen(facts),
      five,
    ];
  }

  /** Follows the replicas' files on one broker's disk. */
  watchVolume(broker: number, volume: Volume): void {
    volume.listener = new VolumeWatch(
      this.facts,
      { broker, volume },
      {
        grew: (mirror, from) => this.#mirrorGrew(mirror, from),
        changed: (mirror, from, isPowerLoss) => this.#mirrorChanged(mirror, from, isPowerLoss),
        cleaned: (mirror, records) => this.#mirrorCleaned(mirror, records),
        logStarts: (partition, logStart) => {
          if (logStart <= partition.goneTo || partition.hasLost || this.facts.isVolatile(partition.topicId)) return;
          const what = `broker ${broker} hides what lies below ${logStart}, only ${partition.goneTo} was asked for`;
          this.facts.fail(1, `${partition.name}: ${what}`);
        },
        highWatermarks: (partition, highWatermark) => {
          for (const one of this.#invariants) one.highWatermarkKept?.(partition, broker, highWatermark);
        },
        metadata: (version) => {
          for (const one of this.#invariants) one.metadataKept?.(broker, version);
        },
      },
    );
  }

  /** Reads along on a control stream. */
  watchControl(connection: Connection, broker: number): void {
    const said = new LineDecoder(LINE_BYTES_MAX);
    const heard = new LineDecoder(LINE_BYTES_MAX);
    connection.fromDialler.tap = (bytes) => {
      for (const message of said.push(bytes)) {
        for (const one of this.#invariants) one.brokerSaid?.(broker, message as ToController);
        this.#noteGrowth(broker, message as ToController);
      }
    };
    connection.fromServer.tap = (bytes) => {
      for (const message of heard.push(bytes)) {
        for (const one of this.#invariants) one.controllerSaid?.(broker, message as ToBroker);
      }
    };
  }

  #noteGrowth(broker: number, message: ToController): void {
    if (message.type !== "isrProposal") return;
    const { row } = this.facts.partition(message.topicId, message.partition);
    const added = message.isr.map((member) => member.broker).filter((id) => row?.isr.includes(id) === false);
    if (added.length > 0) this.onGrowthProposed(broker, added);
  }

  /** A commit landed in the store. */
  committed(version: MetadataVersion, changes: readonly Change[]): void {
    const { facts } = this;
    facts.counters.commits++;
    for (const change of changes) {
      if (change.kind === "topic") facts.topics.set(change.row.topicId, change.row);
      else if (change.kind === "topicDeleted") this.#deleted(change.row.topicId);
      else if (change.kind === "partition") this.#rowCommitted(change.row, version);
      else if (change.kind === "broker") {
        const before = facts.registry.get(change.broker.id);
        facts.registry.set(change.broker.id, change.broker);
        if (before?.incarnation !== change.broker.incarnation) facts.counters.sessions++;
        for (const one of this.#invariants) one.brokerCommitted?.(change.broker, before);
      }
    }
    // A topic's row may come after those of its partitions.
    for (const change of changes) if (change.kind === "topic") this.#notePolicy(change.row);
    if (version.controllerEpoch > facts.controllerEpoch) {
      if (facts.controllerEpoch > 0) facts.counters.takeovers++;
      facts.controllerEpoch = version.controllerEpoch;
    }
    for (const one of this.#invariants) one.commitLanded?.(version.controllerEpoch, version.sequence);
  }

  #notePolicy({ topicId, name, partitionCount, config }: TopicRow): void {
    for (let index = 0; index < partitionCount; index++) {
      const partition = this.facts.partition(topicId, index);
      // Coordinators write anew what stands, and delete what lies before.
      if (name === OFFSETS_TOPIC) partition.deletedTo = Number.POSITIVE_INFINITY;
      partition.isCompacted = name !== OFFSETS_TOPIC && (config["cleanup.policy"] ?? "").includes("compact");
      partition.deleteRetentionMs = Number(config["delete.retention.ms"] ?? 0);
      partition.minCompactionLagMs = Number(config["min.compaction.lag.ms"] ?? 0);
      partition.hasRetention = name === OFFSETS_TOPIC || (config["retention.bytes"] ?? "-1") !== "-1";
    }
  }

  #deleted(topicId: string): void {
    for (const partition of this.facts.partitions.values()) {
      if (partition.topicId === topicId) partition.isDeleted = true;
    }
  }

  #rowCommitted(row: PartitionRow, version: MetadataVersion): void {
    const partition = this.facts.partition(row.topicId, row.partition);
    const before = partition.row;
    partition.row = row;
    // A proposal from before the power went says nothing of what is left.
    const joined = row.isr.filter((id) => before?.isr.includes(id) !== true && !this.facts.unsettled.has(id));
    for (const broker of joined) partition.torn.delete(broker);
    partition.noteIfEmptied();
    this.#count(before, row);
    const change: RowChange = { partition, before, after: row, controllerEpoch: version.controllerEpoch };
    for (const one of this.#invariants) one.rowCommitted?.(change);
  }

  #count(before: PartitionRow | null, after: PartitionRow): void {
    if (before === null) return;
    const { counters } = this.facts;
    const isElection = after.leader >= 0 && after.leaderEpoch > before.leaderEpoch && after.leader !== before.leader;
    if (isElection) counters.elections++;
    if (isElection && this.facts.nameOf(after.topicId) === OFFSETS_TOPIC) counters.coordinatorMoves++;
    if (isElection && before.elr.includes(after.leader) && !before.isr.includes(after.leader)) {
      counters.electionsFromElr++;
    }
    const waits = (row: PartitionRow): boolean => row.isr.length === 0 && row.elr.length === 0 && row.lost.length > 0;
    this.#countMoves(before, after);
    if (waits(after) && !waits(before)) counters.waitsForAll++;
    if (after.isr.join() !== before.isr.join()) counters.isrChanges++;
  }

  #countMoves(before: PartitionRow, after: PartitionRow): void {
    const { counters } = this.facts;
    const isMoving = (row: PartitionRow): boolean => row.adding.length + row.removing.length > 0;
    const gone = before.replicas.filter((id) => !after.replicas.includes(id));
    if (gone.some((id) => before.adding.includes(id))) counters.cancelled++;
    else if ((isMoving(before) || gone.length > 0) && !isMoving(after)) counters.reassigned++;
    counters.removedReplicas += before.removed.filter((id) => !after.removed.includes(id)).length;
  }

  #mirrorGrew(mirror: ReplicaMirror, fromOffset: number): void {
    const partition = this.facts.partition(mirror.topicId, mirror.partition);
    for (let offset = fromOffset; offset < mirror.end; offset++) partition.writtenAtUs[offset] ??= this.#nowUs();
    if (partition.isCompacted) noteWritten(partition, mirror, fromOffset);
    noteEpochs(partition, mirror, fromOffset);
    notePendingWrites(partition, mirror);
    for (const one of this.#invariants) one.mirrorGrew?.(partition, mirror, fromOffset);
  }

  #mirrorChanged(mirror: ReplicaMirror, fromOffset: number, isPowerLoss: boolean): void {
    const partition = this.facts.partition(mirror.topicId, mirror.partition);
    // A replica that was removed and deletes its data truncates nothing.
    const isReplica = partition.row?.replicas.some((id) => id === mirror.broker) ?? true;
    if (!isPowerLoss && !partition.isDeleted && isReplica) this.facts.counters.truncations++;
    for (const one of this.#invariants) one.mirrorChanged?.(partition, mirror, fromOffset);
  }

  #mirrorCleaned(mirror: ReplicaMirror, records: readonly GoneRecord[]): void {
    const partition = this.facts.partition(mirror.topicId, mirror.partition);
    this.facts.counters.cleanings++;
    for (const one of this.#invariants) one.mirrorCleaned?.(partition, mirror, records);
    this.onSwapBegun(mirror.broker);
  }

  acked(ack: Ack): void {
    const partition = this.facts.partition(ack.topicId, ack.batch.partition);
    this.facts.counters.ackedRecords += ack.batch.count;
    // An ack to a later sending of what is on a disk answers a duplicate.
    const writtenAtUs = partition.writtenAtUs[ack.baseOffset];
    if (ack.batch.attempts > 1 && writtenAtUs !== undefined && writtenAtUs < ack.batch.sentAtUs) {
      this.facts.counters.duplicateAnswers++;
    }
    for (const one of this.#invariants) one.acked?.(partition, ack);
  }

  sequenceRefused(batch: SentBatch, topicId: string, { error, broker }: { error: string; broker: number }): void {
    const partition = this.facts.partition(topicId, batch.partition);
    // One that leads no more and does not know of it lacks what its successor took.
    if (partition.row?.leader !== broker) return;
    if (partition.hasLost || this.facts.isVolatile(topicId)) return;
    const what = `sequence ${batch.baseSequence} of ${batch.producer} was refused with ${error} without a cause`;
    this.facts.fail(5, `${partition.name}: ${what}`);
  }

  read(reading: Reading): number {
    const partition = this.facts.partition(reading.topicId, reading.partition);
    const { reader, broker, leaderEpoch, fetchOffset, highWatermark } = reading;
    this.said(
      () => `${reader} reads at ${fetchOffset} from broker ${broker} in epoch ${leaderEpoch}, mark ${highWatermark}`,
    );
    const namesOf = this.facts.namesOf(reading.topicId, reading.partition);
    const batches = [...batchPositions(reading.bytes)].map((at): ReadBatch => {
      return { ...mirroredBatch(reading.bytes, at), ids: namesOf(reading.bytes, at) };
    });
    let next = reading.fetchOffset;
    if (reader.startsWith("auditor")) {
      if (next !== (this.#audited.get(reader) ?? 0)) partition.auditedFrom = next;
      this.#audited.set(reader, Math.max(next, ...batches.map(({ baseOffset, count }) => baseOffset + count)));
      if (partition.isCompacted) this.#audit(partition, batches);
    }
    for (const batch of batches) {
      const end = batch.baseOffset + batch.count;
      const missing = firstMissing(partition, batch, next);
      if (missing !== null)
        this.facts.fail(1, `${partition.name}: offset ${missing} was left out, and never compacted`);
      this.facts.counters.readRecords += Math.max(0, end - next);
      if (reading.isOfFollower) this.facts.counters.readOfFollowers += Math.max(0, end - next);
      next = Math.max(next, end);
    }
    for (const one of this.#invariants) one.read?.(partition, reading, batches);
    return next;
  }

  #audit(partition: PartitionFacts, batches: readonly ReadBatch[]): void {
    for (const { ids } of batches) {
      for (const id of ids) {
        const record = this.facts.contents.record(id);
        if (record !== undefined) partition.audited.set(record.key, id);
      }
    }
  }

  outOfRange(consumer: string, topicId: string, index: number, position: number): "beginning" | "end" {
    const partition = this.facts.partition(topicId, index);
    const isKnown = partition.hasLost || partition.isDeleted || this.facts.isVolatile(topicId);
    if (!isKnown && position >= partition.goneTo) {
      const what = `${consumer} found nothing any more at ${position}, where it had read up to`;
      this.facts.fail(1, `${partition.name}: ${what}`);
    }
    return position < partition.goneTo ? "beginning" : "end";
  }

  misbehaved(what: string): void {
    this.misbehaviours.push(what);
  }

  said(text: () => string): void {
    if (this.trace !== null) this.trace(text());
  }

  /** A broker that had lost power is registered again: what is said of it holds from now on. */
  settled(broker: number): void {
    for (const partition of this.facts.partitions.values()) {
      if (partition.members.includes(broker)) checkMember(this.facts, partition, broker);
    }
  }
}

/** The first offset from `next` on that a batch, or its lack, shows as compacted although no replica ever did so. */
function firstMissing({ goneIn }: PartitionFacts, batch: ReadBatch, next: number): number | null {
  for (let offset = next; offset < batch.baseOffset + batch.count; offset++) {
    const isShown = offset >= batch.baseOffset && batch.ids[offset - batch.baseOffset] !== GONE;
    if (!isShown && goneIn[offset] === undefined) return offset;
  }
  return null;
}

/** What a replica of a compacted partition wrote, or copied, from an offset on. */
function noteWritten(partition: PartitionFacts, mirror: ReplicaMirror, fromOffset: number): void {
  partition.written.note(mirror, fromOffset);
  for (let at = mirror.batchIndexOf(fromOffset); at < mirror.batches.length; at++) {
    const { baseOffset, count, leaderEpoch } = mirror.batches[at] as MirroredBatch;
    for (let offset = baseOffset; offset < baseOffset + count; offset++) {
      if (mirror.idAt(offset) === GONE) partition.goneIn[offset] = leaderEpoch;
    }
  }
}

/** What was on its way to the disk of whoever was elected uncleanly is not given up. */
function notePendingWrites(partition: PartitionFacts, mirror: ReplicaMirror): void {
  for (const { baseOffset, count, leaderEpoch } of partition.unclean?.broker === mirror.broker ? mirror.batches : []) {
    const { unclean } = partition;
    if (unclean === null || baseOffset !== unclean.from || leaderEpoch >= unclean.epoch) continue;
    partition.unclean = { ...unclean, from: baseOffset + count };
  }
}

function noteEpochs(partition: PartitionFacts, mirror: ReplicaMirror, fromOffset: number): void {
  for (let at = mirror.batches.length - 1; at >= 0; at--) {
    const { baseOffset, count, leaderEpoch } = mirror.batches[at] as MirroredBatch;
    if (baseOffset + count <= fromOffset) return;
    for (let offset = baseOffset; offset < baseOffset + count; offset++) {
      const key = `${offset}/${mirror.idAt(offset)}`;
      partition.writtenIn.set(key, Math.max(leaderEpoch, partition.writtenIn.get(key) ?? -1));
    }
  }
}
