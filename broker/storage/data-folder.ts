import { TidemarkError } from "../base/errors.ts";
import type { BrokerId, Incarnation, Offset, PartitionIndex, StorageId, TopicId } from "../base/ids.ts";
import type { Random } from "../base/random.ts";
import { type Disk, replaceFile } from "../ports/disk.ts";
import { CheckpointFile } from "./checkpoint-file.ts";
import { DAMAGE_NAME, METADATA_NAME } from "./file-names.ts";
import { decodePartitionMetadata } from "./partition-metadata.ts";

const META_NAME = "meta.properties";
const CLEAN_STOP_NAME = "clean-stop";
const IO_ERROR_NAME = "io-error";
const DELETE_SUFFIX = "-delete";
const STRAY_SUFFIX = ".stray";
const FOLDER = /^([a-zA-Z0-9._-]+)-(\d+)$/;

/** A partition's folder, not opened yet. */
export interface PartitionFolder {
  readonly folder: string;
  readonly topic: string;
  readonly partition: PartitionIndex;
  /** Null when nothing says whose it is: nobody wrote a record there. */
  readonly topicId: TopicId | null;
}

/** What the broker's checkpoint files say of a partition. */
export interface PartitionCheckpoint {
  readonly recoveryPoint: Offset;
  readonly logStart: Offset;
  readonly highWatermark: Offset;
  /** Below, the log is compacted. */
  readonly cleanedEnd: Offset;
}

export const folderOf = (topic: string, partition: number): string => `${topic}-${partition}`;

/**
 * A broker's data folder: whose it is, how its last process ended, which partitions it holds and what their checkpoints
 * say. Nothing in it is ever deleted because it is unknown.
 */
export class DataFolder {
  readonly #disk: Disk;
  readonly #brokerId: BrokerId;
  readonly #meta: { clusterId: string; storageId: StorageId };
  readonly #recoveryPoints: CheckpointFile;
  readonly #logStarts: CheckpointFile;
  readonly #highWatermarks: CheckpointFile;
  /** Of the partitions only that were ever compacted, as in Kafka. */
  readonly #cleanedEnds: CheckpointFile;
  readonly #checkpoints = new Map<string, PartitionCheckpoint>();
  #cleanStopOf: Incarnation | null = null;
  #hasIoErrorMark = false;
  #isIoErrorMarkThere = false;
  #damaged: string[] = [];
  /** Checkpoints are written by one at a time. */
  #turn: Promise<void> = Promise.resolve();

  /**
   * Opens the folder, which belongs to this process alone, or makes it. With `clusterId` "" it takes any cluster's.
   * Throws TidemarkError FOLDER_OF_ANOTHER_CLUSTER.
   */
  static async open(options: {
    disk: Disk;
    random: Random;
    clusterId: string;
    brokerId: BrokerId;
  }): Promise<DataFolder> {
    const { disk, brokerId } = options;
    const found = await readMeta(disk);
    if (found !== null) checkOwner(found, options);
    const meta = {
      clusterId: found !== null && found.clusterId !== "" ? found.clusterId : options.clusterId,
      storageId: found?.storageId ?? (options.random.id() as StorageId),
    };
    const folder = new DataFolder(disk, { brokerId, meta });
    if (found === null || found.clusterId !== meta.clusterId) await folder.#writeMeta();
    await folder.#load();
    return folder;
  }

  private constructor(disk: Disk, owner: { brokerId: BrokerId; meta: { clusterId: string; storageId: StorageId } }) {
    this.#disk = disk;
    this.#brokerId = owner.brokerId;
    this.#meta = owner.meta;
    this.#recoveryPoints = new CheckpointFile(disk, "recovery-point-offset-checkpoint");
    this.#logStarts = new CheckpointFile(disk, "log-start-offset-checkpoint");
    this.#highWatermarks = new CheckpointFile(disk, "replication-offset-checkpoint");
    this.#cleanedEnds = new CheckpointFile(disk, "cleaner-offset-checkpoint");
  }

  /** "" until the folder belongs to a cluster. */
  get clusterId(): string {
    return this.#meta.clusterId;
  }

  /** Names this disk: another one here means that what was stored is gone. */
  get storageId(): StorageId {
    return this.#meta.storageId;
  }

  /** The incarnation that left the folder with everything synced; null when the last one did not. */
  get cleanStopOf(): Incarnation | null {
    return this.#cleanStopOf;
  }

  /** Whether an earlier process met a failing disk here, and no controller was told yet. */
  get hasIoErrorMark(): boolean {
    return this.#hasIoErrorMark;
  }

  async #load(): Promise<void> {
    const marker = await this.#disk.readFile(CLEAN_STOP_NAME);
    const named = marker === null ? "" : new TextDecoder().decode(marker).trim();
    this.#cleanStopOf = named === "" ? null : (named as Incarnation);
    this.#hasIoErrorMark = (await this.#disk.readFile(IO_ERROR_NAME)) !== null;
    this.#isIoErrorMarkThere = this.#hasIoErrorMark;
    const names = await this.#disk.list("");
    for (const name of names) if (name.endsWith(DELETE_SUFFIX)) await this.#disk.remove(name);
    await this.#loadCheckpoints(new Set(names));
  }

  async #loadCheckpoints(names: ReadonlySet<string>): Promise<void> {
    const recoveryPoints = await this.#recoveryPoints.read();
    const logStarts = await this.#logStarts.read();
    const highWatermarks = await this.#highWatermarks.read();
    const cleanedEnds = await this.#cleanedEnds.read();
    const none = 0 as Offset;
    for (const folder of new Set([...recoveryPoints.keys(), ...logStarts.keys(), ...highWatermarks.keys()])) {
      if (!names.has(folder)) continue;
      this.#checkpoints.set(folder, {
        recoveryPoint: recoveryPoints.get(folder) ?? none,
        logStart: logStarts.get(folder) ?? none,
        highWatermark: highWatermarks.get(folder) ?? none,
        cleanedEnd: cleanedEnds.get(folder) ?? none,
      });
    }
  }

  /**
   * A new process is about to write for the first time: from now on the folder no longer counts as cleanly
   * stopped, and no checkpoint speaks of a folder that is gone (one of that name may be made again).
   */
  async begin(): Promise<void> {
    await this.#disk.remove(CLEAN_STOP_NAME);
    await this.#disk.syncFolder("");
    await this.#saveCheckpoints();
  }

  /**
   * The controller has registered this broker: the folder belongs to that cluster, and what was marked as failed or
   * damaged before was told.
   */
  async adopt(clusterId: string): Promise<void> {
    checkOwner(this.#meta, { clusterId, brokerId: this.#brokerId });
    await this.#forgetDamage();
    if (this.#meta.clusterId === "") {
      this.#meta.clusterId = clusterId;
      await this.#writeMeta();
    }
    if (!this.#isIoErrorMarkThere) return;
    this.#isIoErrorMarkThere = false;
    await this.#disk.remove(IO_ERROR_NAME);
    await this.#disk.syncFolder("");
  }

  async #forgetDamage(): Promise<void> {
    const damaged = this.#damaged;
    this.#damaged = [];
    for (const folder of damaged) await this.#disk.remove(`${folder}/${DAMAGE_NAME}`);
  }

  /** Everything is synced, checkpoints included, and nothing will be written any more. */
  async markCleanStop(incarnation: Incarnation): Promise<void> {
    await this.#turn;
    await replaceFile(this.#disk, CLEAN_STOP_NAME, new TextEncoder().encode(`${incarnation}\n`));
  }

  /** The disk failed: what the page cache says may not be what is on it. */
  async markIoError(): Promise<void> {
    await replaceFile(this.#disk, IO_ERROR_NAME, new TextEncoder().encode("a write or sync failed here\n"));
  }

  /** Resolves when nothing is being written any more. */
  async close(): Promise<void> {
    await this.#turn;
  }

  /** All folders of partitions, sorted by name; those set aside are left out. */
  async partitions(): Promise<PartitionFolder[]> {
    const found: PartitionFolder[] = [];
    for (const folder of await this.#disk.list("")) {
      const [, topic, digits] = FOLDER.exec(folder) ?? [];
      if (topic === undefined || folder.endsWith(STRAY_SUFFIX)) continue;
      const content = await this.#disk.readFile(`${folder}/${METADATA_NAME}`);
      const topicId = content === null ? null : decodePartitionMetadata(content);
      found.push({ folder, topic, partition: Number(digits) as PartitionIndex, topicId });
    }
    return found;
  }

  /** Recovery found records missing in the folder; told with the next registration. */
  noteDamage(folder: string): void {
    this.#damaged.push(folder);
  }

  /** Null when the checkpoint files do not name the folder. */
  checkpointOf(folder: string): PartitionCheckpoint | null {
    return this.#checkpoints.get(folder) ?? null;
  }

  /**
   * Recovery left less than the checkpoint vouched for. What is said from now on, `begin` included, says so: were the
   * old mark still there after a crash, it would cover records that come to stand there without being committed.
   */
  lowerMarks(folder: string, logEnd: Offset): void {
    const known = this.#checkpoints.get(folder);
    if (known === undefined) return;
    const least = (mark: Offset): Offset => (mark < logEnd ? mark : logEnd);
    const { highWatermark, logStart, cleanedEnd } = known;
    const lowered = { highWatermark: least(highWatermark), logStart: least(logStart), cleanedEnd: least(cleanedEnd) };
    this.#checkpoints.set(folder, { ...known, ...lowered });
  }

  /** Writes the checkpoints of the partitions named; what was last said of others stays. */
  async writeCheckpoints(checkpoints: ReadonlyMap<string, PartitionCheckpoint>): Promise<void> {
    for (const [folder, checkpoint] of checkpoints) this.#checkpoints.set(folder, checkpoint);
    await this.#saveCheckpoints();
  }

  #saveCheckpoints(): Promise<void> {
    const turn = this.#turn.then(async () => {
      const pick = (key: keyof PartitionCheckpoint): Map<string, Offset> =>
        new Map([...this.#checkpoints].map(([folder, checkpoint]) => [folder, checkpoint[key]]));
      await this.#recoveryPoints.write(pick("recoveryPoint"));
      await this.#logStarts.write(pick("logStart"));
      await this.#highWatermarks.write(pick("highWatermark"));
      const cleaned = [...pick("cleanedEnd")].filter(([, end]) => end > 0);
      if (cleaned.length > 0 || this.#cleanedEnds.hasContent) await this.#cleanedEnds.write(new Map(cleaned));
    });
    this.#turn = turn.catch(() => undefined); // whoever asked is told
    return turn;
  }

  /** Removes a partition's folder for good: its log is closed. The name is free at once. */
  async removePartition(folder: string, topicId: TopicId): Promise<void> {
    const doomed = `${folder}.${topicId}${DELETE_SUFFIX}`;
    await this.#disk.remove(doomed);
    await this.#rename(folder, doomed);
    await this.#disk.remove(doomed);
  }

  /** Keeps a partition's folder under a name by which nobody serves it: its log is closed. Resolves to that name. */
  async setAside(folder: string, topicId: TopicId | null): Promise<string> {
    const names = new Set(await this.#disk.list(""));
    const base = `${folder}.${topicId ?? "unknown"}`;
    let aside = `${base}${STRAY_SUFFIX}`;
    for (let number = 2; names.has(aside); number++) aside = `${base}.${number}${STRAY_SUFFIX}`;
    await this.#rename(folder, aside);
    return aside;
  }

  async #rename(folder: string, to: string): Promise<void> {
    await this.#disk.rename(folder, to);
    await this.#disk.syncFolder("");
    this.#checkpoints.delete(folder);
    await this.#saveCheckpoints();
  }

  async #writeMeta(): Promise<void> {
    const { clusterId, storageId } = this.#meta;
    const lines = [
      "version=1",
      `cluster.id=${clusterId}`,
      `node.id=${this.#brokerId}`,
      `directory.id=${storageId}`,
      "",
    ];
    await replaceFile(this.#disk, META_NAME, new TextEncoder().encode(lines.join("\n")));
  }
}

interface Owner {
  readonly clusterId: string;
  readonly brokerId: BrokerId;
}

async function readMeta(disk: Disk): Promise<(Owner & { storageId: StorageId }) | null> {
  const content = await disk.readFile(META_NAME);
  if (content === null) return null;
  const lines = new TextDecoder().decode(content).split("\n");
  const values = new Map(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
  const [clusterId, nodeId, storageId] = ["cluster.id", "node.id", "directory.id"].map((key) => values.get(key));
  if (clusterId === undefined || nodeId === undefined || storageId === undefined || !/^\d+$/.test(nodeId)) {
    throw new TidemarkError("LOG_CORRUPT", `${META_NAME} in the data folder is unreadable; restore it from a backup`);
  }
  return { clusterId, brokerId: Number(nodeId) as BrokerId, storageId: storageId as StorageId };
}

function checkOwner(found: { clusterId: string; brokerId?: BrokerId }, expected: Owner): void {
  const isOtherCluster = found.clusterId !== "" && expected.clusterId !== "" && found.clusterId !== expected.clusterId;
  if (isOtherCluster) {
    throw new TidemarkError(
      "FOLDER_OF_ANOTHER_CLUSTER",
      `the data folder belongs to cluster ${found.clusterId}, not ${expected.clusterId}; give this broker another one`,
    );
  }
  if (found.brokerId !== undefined && found.brokerId !== expected.brokerId) {
    throw new TidemarkError(
      "FOLDER_OF_ANOTHER_CLUSTER",
      `the data folder belongs to broker ${found.brokerId}, not ${expected.brokerId}; give this broker another one`,
    );
  }
}
