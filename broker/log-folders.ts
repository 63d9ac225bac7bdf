import type { Clock } from "./base/clock.ts";
import type { Offset } from "./base/ids.ts";
import type { Logger } from "./base/logging.ts";
import type { Disk } from "./ports/disk.ts";
import type { CheckpointSource, LogStore, StoredName, StoredPartition } from "./replication/log-store.ts";
import { type DataFolder, folderOf, type PartitionCheckpoint, type PartitionFolder } from "./storage/data-folder.ts";
import type { LogConfig } from "./storage/log-config.ts";
import { PartitionLog } from "./storage/partition-log.ts";
import { SharedStorage } from "./storage/shared-storage.ts";

/** Logs that are opened at the same time: the disk has work while one waits, and memory stays bounded. */
const OPENED_AT_ONCE = 8;
const ZERO = 0 as Offset;

/** The partitions of one data folder, for replication to open, remove and checkpoint. */
export class LogFolders implements LogStore {
  readonly #ports: { readonly disk: Disk; readonly clock: Clock; readonly logger: Logger };
  readonly #folder: DataFolder;
  readonly #shared: SharedStorage;

  constructor(ports: { disk: Disk; clock: Clock; logger: Logger }, folder: DataFolder) {
    this.#ports = ports;
    this.#folder = folder;
    this.#shared = new SharedStorage(ports.disk);
  }

  async recover(configOf: (topic: string) => LogConfig): Promise<StoredPartition[]> {
    const folders = await this.#folder.partitions();
    const stored: StoredPartition[] = [];
    for (let from = 0; from < folders.length; from += OPENED_AT_ONCE) {
      const opened = await Promise.all(
        folders.slice(from, from + OPENED_AT_ONCE).map((found) => this.#recoverOne(found, configOf(found.topic))),
      );
      for (const partition of opened) if (partition !== null) stored.push(partition);
    }
    return stored;
  }

  /** Null for a folder that nothing says the topic of: it never had a record, and is kept aside. */
  async #recoverOne(found: PartitionFolder, config: LogConfig): Promise<StoredPartition | null> {
    const { folder, topic, partition, topicId } = found;
    if (topicId === null) {
      const aside = await this.#folder.setAside(folder, null);
      this.#ports.logger.warn("a folder without a topic id is kept aside", { folder, aside });
      return null;
    }
    const isCleanStart = this.#folder.cleanStopOf !== null;
    const stored = await this.#open({ topic, topicId, partition }, { config, isCleanStart });
    if (stored.isDamaged) this.#folder.noteDamage(folder);
    return stored;
  }

  /** A new folder, or one that this very process closed: there is nothing to scan for. */
  open(name: StoredName, config: LogConfig): Promise<StoredPartition> {
    return this.#open(name, { config, isCleanStart: false });
  }

  async #open(name: StoredName, options: { config: LogConfig; isCleanStart: boolean }): Promise<StoredPartition> {
    const folder = folderOf(name.topic, name.partition);
    const checkpoint = this.#folder.checkpointOf(folder);
    const { log, recovery } = await PartitionLog.open({
      ...this.#ports,
      ...options,
      folder,
      topicId: name.topicId,
      checkpoint,
      shared: this.#shared,
    });
    const highWatermark = checkpoint?.highWatermark ?? ZERO;
    const isDamaged = recovery.isDamaged || log.logEnd < highWatermark;
    this.#folder.lowerMarks(folder, log.logEnd);
    if (recovery.cutBytes > 0 || isDamaged) {
      this.#ports.logger.warn("a log was cut at recovery", { folder, ...recovery, logEnd: log.logEnd, highWatermark });
    }
    const { topic, topicId, partition } = name;
    return { topic, topicId, partition, log, highWatermark, isDamaged };
  }

  async remove(name: StoredName): Promise<void> {
    await this.#folder.removePartition(folderOf(name.topic, name.partition), name.topicId);
  }

  async setAside(name: StoredName): Promise<void> {
    await this.#folder.setAside(folderOf(name.topic, name.partition), name.topicId);
  }

  async checkpoint(partitions: readonly CheckpointSource[]): Promise<void> {
    const checkpoints = new Map<string, PartitionCheckpoint>();
    for (const { topic, partition, highWatermark, log } of partitions) {
      const { recoveryPoint, keptStart: logStart, compaction } = log;
      const { cleanedEnd } = compaction;
      checkpoints.set(folderOf(topic, partition), { recoveryPoint, logStart, highWatermark, cleanedEnd });
    }
    await this.#folder.writeCheckpoints(checkpoints);
  }

  /** Lets go of every file handle. */
  async close(): Promise<void> {
    await this.#shared.close();
  }
}
