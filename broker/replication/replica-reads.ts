import { isTidemarkError, type TidemarkError } from "../base/errors.ts";
import type { Offset } from "../base/ids.ts";
import type { PartitionLog } from "../storage/partition-log.ts";
import { beginsEmpty, readRecords } from "../storage/record-read.ts";
import type { ReadOptions, ReadResult } from "./replica-answers.ts";
import type { TopicTraffic } from "./topic-traffic.ts";

/** Kafka's codes that a read answers. */
const OFFSET_OUT_OF_RANGE = 1;
const NOT_LEADER_OR_FOLLOWER = 6;
const KAFKA_STORAGE_ERROR = 56;
const OFFSET_NOT_AVAILABLE = 78;

/** The replica that is read, as it is now. */
interface ReadReplica {
  readonly log: Pick<PartitionLog, "logStart" | "logEnd" | "readTail" | "read">;
  readonly highWatermark: Offset;
  readonly isLeading: boolean;
  /** The disk does not give back what was written. */
  reportUnreadable(error: TidemarkError): void;
}

interface Bounds {
  readonly endOffset: Offset;
  readonly maxBytes: number;
}

/** A follower's memory is used again as soon as it is written. */
const copied = (chunks: readonly Uint8Array[]): Uint8Array[] => chunks.map((chunk) => chunk.slice());

/** Reads of one replica. What was begun before the replica's role changed or its log was cut is never handed out. */
export class ReplicaReads {
  readonly #replica: ReadReplica;
  readonly #traffic: TopicTraffic;
  /** As a follower: the log was found to be a prefix of its leader's, in this leader epoch. */
  #hasMetLeader = false;
  /** +1 whenever what is being read may be cut. */
  #term = 0;

  constructor(replica: ReadReplica, traffic: TopicTraffic) {
    this.#replica = replica;
    this.#traffic = traffic;
  }

  /** The log is a prefix of its leader's: consumers may read from this follower. True when that is news. */
  metLeader(): boolean {
    const isNews = !this.#hasMetLeader;
    this.#hasMetLeader = true;
    return isNews;
  }

  /** The role changes, or the log is about to be cut. */
  end(): void {
    this.#term++;
    this.#hasMetLeader = false;
  }

  /**
   * Whole batches from the one that holds `from` on; in the same turn when memory has them. Those in front that have no
   * records are left out while a record follows. Empty between the bound and the log end; OFFSET_OUT_OF_RANGE beyond,
   * but OFFSET_NOT_AVAILABLE of a follower, whose leader may have more; KAFKA_STORAGE_ERROR where the disk does not
   * give back what was written.
   */
  read(from: Offset, options: ReadOptions): ReadResult | Promise<ReadResult> {
    const { log, highWatermark, isLeading } = this.#replica;
    if (!isLeading && !(options.ofFollower === true && this.#hasMetLeader))
      return this.#refused(NOT_LEADER_OR_FOLLOWER);
    if (from < log.logStart) return this.#refused(OFFSET_OUT_OF_RANGE);
    if (from > log.logEnd) return this.#refused(isLeading ? OFFSET_OUT_OF_RANGE : OFFSET_NOT_AVAILABLE);
    const endOffset = options.upTo === "highWatermark" ? highWatermark : log.logEnd;
    if (from >= endOffset) return this.#records([]);
    const maxBytes = Math.min(options.maxBytes, options.diskBytesMax ?? options.maxBytes);
    const chunks = log.readTail(from, { endOffset, maxBytes: isLeading ? options.maxBytes : maxBytes });
    if (chunks === null || beginsEmpty(chunks)) return this.#readDisk(from, { endOffset, maxBytes });
    return this.#records(isLeading ? chunks : copied(chunks));
  }

  /** The log as a follower reads it for others. */
  get #copies(): Pick<PartitionLog, "read"> {
    const { log } = this.#replica;
    const read = async (from: Offset, bounds: Bounds): Promise<Uint8Array[]> => {
      const inMemory = log.readTail(from, bounds);
      return inMemory === null ? await log.read(from, bounds) : copied(inMemory);
    };
    return { read };
  }

  async #readDisk(from: Offset, bounds: Bounds): Promise<ReadResult> {
    const term = this.#term;
    try {
      const chunks = await readRecords(this.#replica.isLeading ? this.#replica.log : this.#copies, from, bounds);
      // A log that was closed or cut under the read answers as any replica that leads no more.
      return term === this.#term ? this.#records(chunks) : this.#refused(NOT_LEADER_OR_FOLLOWER);
    } catch (error) {
      if (term !== this.#term) return this.#refused(NOT_LEADER_OR_FOLLOWER);
      if (!isTidemarkError(error)) throw error;
      this.#replica.reportUnreadable(error);
      return this.#refused(KAFKA_STORAGE_ERROR);
    }
  }

  #records(chunks: readonly Uint8Array[]): ReadResult {
    const { highWatermark, log } = this.#replica;
    for (const chunk of chunks) this.#traffic.bytesOut += chunk.length;
    return { kind: "records", chunks, highWatermark, logStart: log.logStart };
  }

  #refused(errorCode: number): ReadResult {
    const { highWatermark, log } = this.#replica;
    return { kind: "refused", errorCode, highWatermark, logStart: log.logStart };
  }
}
