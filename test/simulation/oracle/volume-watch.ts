import { type FileNode, FolderNode } from "../world/disk-nodes.ts";
import type { Volume, VolumeListener } from "../world/volume.ts";
import type { Facts, PartitionFacts } from "./facts.ts";
import { type GoneRecord, isLog, isSwap, ReplicaMirror } from "./replica-mirror.ts";

export interface VolumeEvents {
  grew(mirror: ReplicaMirror, fromOffset: number): void;
  /** What the files held from `fromOffset` on is gone. */
  changed(mirror: ReplicaMirror, fromOffset: number, isPowerLoss: boolean): void;
  /** Compaction has left of these records their places. */
  cleaned(mirror: ReplicaMirror, records: readonly GoneRecord[]): void;
  /** The first offset that a replica lets be read. */
  logStarts(partition: PartitionFacts, logStart: number): void;
  highWatermarks(partition: PartitionFacts, highWatermark: number): void;
  metadata(version: { controllerEpoch: number; sequence: number }): void;
}

const HIGH_WATERMARKS = "replication-offset-checkpoint";
const LOG_STARTS = "log-start-offset-checkpoint";
const METADATA = "metadata.json";

/** The topic id in a partition folder's `partition.metadata`, as 32 hexadecimal digits. */
function topicIdOf(folder: FolderNode): string | null {
  const file = folder.entries.get("partition.metadata");
  if (file === undefined || file instanceof FolderNode) return null;
  const [, id] = /topic_id: ([\w-]{22})/.exec(new TextDecoder().decode(file.content)) ?? [];
  return id === undefined ? null : Buffer.from(id, "base64url").toString("hex");
}

/** Keeps a mirror of every replica on one broker's disk. */
export class VolumeWatch implements VolumeListener {
  readonly #facts: Facts;
  readonly #broker: number;
  readonly #volume: Volume;
  readonly #events: VolumeEvents;
  readonly #mirrors = new Map<FolderNode, ReplicaMirror>();

  constructor(facts: Facts, what: { broker: number; volume: Volume }, events: VolumeEvents) {
    this.#facts = facts;
    this.#broker = what.broker;
    this.#volume = what.volume;
    this.#events = events;
  }

  written(file: FileNode, position: number, _length: number): void {
    if (!isLog(file.name) || file.parent === null) return;
    const known = this.#mirrors.get(file.parent);
    const mirror = known ?? this.#mirrorOf(file.parent);
    if (mirror === null) return;
    const before = known === undefined ? mirror.start : mirror.end;
    if (mirror.append(file, position)) this.#grew(mirror, before);
    else this.#rebuild(mirror, false);
  }

  truncated(file: FileNode): void {
    if (!isLog(file.name) || file.parent === null) return;
    const mirror = this.#mirrors.get(file.parent);
    if (mirror !== undefined) this.#rebuild(mirror, false);
  }

  nameChanged(folder: FolderNode, name: string): void {
    if (isLog(name) || isSwap(name)) {
      const mirror = this.#mirrors.get(folder) ?? this.#mirrorOf(folder);
      if (mirror !== null) this.#rebuild(mirror, false);
    } else if (folder.parent === null) this.#rootNameChanged(folder, name);
  }

  lostPower(): void {
    const before = new Map(this.#mirrors);
    this.#mirrors.clear();
    for (const mirror of before.values()) this.#forget(mirror);
    for (const node of this.#volume.root.entries.values()) {
      if (!(node instanceof FolderNode)) continue;
      const mirror = this.#mirrorOf(node);
      if (mirror === null) continue;
      mirror.rebuild();
      const old = [...before.values()].find((one) => one.folder === node);
      if (old !== undefined && old.end > mirror.end) this.#events.changed(mirror, mirror.end, true);
      if (mirror.end > mirror.start) this.#events.grew(mirror, mirror.start);
    }
    for (const old of before.values()) {
      if (![...this.#mirrors.keys()].includes(old.folder)) this.#events.changed(old, old.start, true);
    }
  }

  #rootNameChanged(root: FolderNode, name: string): void {
    const node = root.entries.get(name);
    if (node instanceof FolderNode) {
      const known = this.#mirrors.get(node);
      if (known !== undefined && !isPartitionName(name)) this.#drop(known);
      return;
    }
    if (node === undefined) {
      for (const mirror of this.#mirrors.values()) {
        if (mirror.folder.name === name && this.#volume.root.entries.get(name) !== mirror.folder) this.#drop(mirror);
      }
      return;
    }
    if (name === HIGH_WATERMARKS) this.#readCheckpoint(node, this.#events.highWatermarks);
    else if (name === LOG_STARTS) this.#readCheckpoint(node, this.#events.logStarts);
    else if (name === METADATA) this.#readMetadata(node);
  }

  /** The folder does not belong to the partition any more. */
  #drop(mirror: ReplicaMirror): void {
    this.#mirrors.delete(mirror.folder);
    this.#forget(mirror);
    this.#events.changed(mirror, mirror.start, false);
  }

  #forget(mirror: ReplicaMirror): void {
    const { mirrors } = this.#facts.partition(mirror.topicId, mirror.partition);
    if (mirrors.get(this.#broker) === mirror) mirrors.delete(this.#broker);
  }

  #mirrorOf(folder: FolderNode): ReplicaMirror | null {
    const [, partition] = /^.+-(\d+)$/.exec(folder.name) ?? [];
    const topicId = topicIdOf(folder);
    if (partition === undefined || topicId === null || folder.parent !== this.#volume.root) return null;
    const place = { broker: this.#broker, folder, topicId, partition: Number(partition) };
    const mirror = new ReplicaMirror({ ...place, namesOf: this.#facts.namesOf(topicId, place.partition) });
    this.#mirrors.set(folder, mirror);
    this.#facts.partition(topicId, mirror.partition).mirrors.set(this.#broker, mirror);
    return mirror;
  }

  #rebuild(mirror: ReplicaMirror, isPowerLoss: boolean): void {
    const [startBefore, endBefore] = [mirror.start, mirror.end];
    const { same, gone } = mirror.rebuild();
    if (mirror.start > startBefore && same === endBefore) this.#facts.counters.retired++;
    if (gone.length > 0) this.#events.cleaned(mirror, gone);
    if (same < endBefore) this.#events.changed(mirror, same, isPowerLoss);
    if (same < mirror.end) this.#grew(mirror, same);
  }

  #grew(mirror: ReplicaMirror, fromOffset: number): void {
    if (mirror.end > fromOffset) this.#events.grew(mirror, fromOffset);
  }

  #readCheckpoint(file: FileNode, tell: (partition: PartitionFacts, offset: number) => void): void {
    const lines = new TextDecoder().decode(file.content).split("\n").slice(2);
    for (const line of lines) {
      const [topic, partition, offset] = line.split(" ");
      if (topic === undefined || partition === undefined || offset === undefined) continue;
      const folder = this.#volume.folder(`${topic}-${partition}`);
      const mirror = folder === null ? undefined : this.#mirrors.get(folder);
      if (mirror === undefined) continue;
      tell(this.#facts.partition(mirror.topicId, mirror.partition), Number(offset));
    }
  }

  #readMetadata(file: FileNode): void {
    const head = new TextDecoder().decode(file.content.subarray(0, 120));
    const [, epoch, sequence] = /"controllerEpoch":(\d+),"sequence":(\d+)/.exec(head) ?? [];
    if (epoch === undefined || sequence === undefined) return;
    this.#events.metadata({ controllerEpoch: Number(epoch), sequence: Number(sequence) });
  }
}

const isPartitionName = (name: string): boolean => /^.+-\d+$/.test(name);
