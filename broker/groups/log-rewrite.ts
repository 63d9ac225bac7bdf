import type { Clock } from "../base/clock.ts";
import type { Offset } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { bytesOf, type CoordinatorReplica, type GroupLog } from "./group-log.ts";
import type { StoredRecord } from "./group-records.ts";

/** Written by one append, so that whoever else this broker serves has a turn in between. */
const CHUNK_BYTES = 128 * 1024;
const DELETION_MS_MAX = 30_000;
/** The log may be so many times as large as what stands in it: rewriting is to be rare. */
const GARBAGE_FACTOR = 4;

export interface RewritePorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** A log shorter than this is left alone. */
  readonly bytesMin: () => number;
  /** One record for each key that stands, as of when it is pulled: the last that was appended for that key. */
  standing(): Iterable<StoredRecord>;
}

/**
 * Keeps a coordinator's log short. When most of it is outdated, everything that stands is written once more at its
 * end; once all of that is committed, what lies before is deleted. A coordinator that dies in between leaves a log with
 * some records twice.
 */
export class LogRewrite {
  readonly #ports: RewritePorts;
  readonly #log: GroupLog;
  readonly #replica: CoordinatorReplica;
  /** Of all records from the log's start on. */
  #bytes: number;
  /** What `GroupLog` had appended when `#bytes` was right. */
  #countedTo: number;
  #standingBytes = 0;
  #isRunning = false;
  #isStopped = false;

  constructor(ports: RewritePorts, log: GroupLog, of: { replica: CoordinatorReplica; loadedBytes: number }) {
    this.#ports = ports;
    this.#log = log;
    this.#replica = of.replica;
    this.#bytes = of.loadedBytes;
    this.#countedTo = log.appendedBytes;
  }

  /** What stands is not known any more: nothing may be deleted. */
  stop(): void {
    this.#isStopped = true;
  }

  /** To be called after appends. */
  look(): void {
    this.#bytes += this.#log.appendedBytes - this.#countedTo;
    this.#countedTo = this.#log.appendedBytes;
    if (this.#isRunning || this.#isStopped || this.#bytes < this.#ports.bytesMin()) return;
    if (this.#bytes < GARBAGE_FACTOR * this.#standingBytes) return;
    this.#isRunning = true;
    const from = { offset: this.#replica.log.logEnd, bytesBefore: this.#bytes };
    this.#write(this.#ports.standing()[Symbol.iterator](), 0, (standingBytes) =>
      this.#deleteBefore(from, standingBytes),
    );
  }

  /** Pulls and appends chunk by chunk; each must be committed before the next. `done` when the last one is. */
  #write(standing: Iterator<StoredRecord>, writtenBytes: number, done: (bytes: number) => void): void {
    if (this.#isStopped) return;
    const chunk: StoredRecord[] = [];
    let bytes = 0;
    while (bytes < CHUNK_BYTES) {
      const next = standing.next();
      if (next.done === true) break;
      chunk.push(next.value);
      bytes += bytesOf([next.value]);
    }
    if (chunk.length === 0) return done(writtenBytes);
    this.#log.append(chunk, (errorCode) => {
      if (errorCode === 0) this.#write(standing, writtenBytes + bytes, done);
      else this.#giveUp("writing", errorCode);
    });
  }

  #deleteBefore({ offset, bytesBefore }: { offset: Offset; bytesBefore: number }, standingBytes: number): void {
    this.#replica.deleteRecords(offset, { timeoutMs: DELETION_MS_MAX }, (errorCode) => {
      // A follower that does not answer now hears of it later: the deletion stands.
      const isDone = errorCode === 0 || errorCode === kafkaErrors.REQUEST_TIMED_OUT;
      if (!isDone) return this.#giveUp("deleting", errorCode);
      this.#isRunning = false;
      this.#standingBytes = standingBytes;
      this.#bytes -= bytesBefore;
      this.#ports.logger.info("a log of groups was rewritten", { offset, bytesBefore, standingBytes });
    });
  }

  /** What was written stays; the next append looks again. */
  #giveUp(what: string, errorCode: number): void {
    this.#isRunning = false;
    this.#ports.logger.warn("a log of groups was not rewritten", { what, errorCode });
  }
}
