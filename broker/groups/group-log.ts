import type { Clock } from "../base/clock.ts";
import type { LeaderEpoch } from "../base/ids.ts";
import type { Replica } from "../replication/replica.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import { buildBatch } from "../wire/record-batch-builder.ts";
import type { StoredRecord } from "./group-records.ts";
import { whenLasting } from "./when-lasting.ts";

/** What a coordinator uses of the partition that it keeps its groups in. */
export type CoordinatorReplica = Pick<
  Replica,
  | "role"
  | "leaderEpoch"
  | "isReadyAsLeader"
  | "highWatermark"
  | "append"
  | "whenReleased"
  | "whenCommitted"
  | "read"
  | "deleteRecords"
> & { readonly log: Pick<Replica["log"], "logStart" | "logEnd"> };

const BATCH_BYTES_MAX = 512 * 1024;

interface Write {
  readonly records: readonly StoredRecord[];
  readonly bytes: number;
  readonly done: (errorCode: number) => void;
}

/** Writes a coordinator's records: those of one moment in one batch, each answered once all replicas have it. */
export class GroupLog {
  readonly #replica: CoordinatorReplica;
  readonly #clock: Clock;
  /** What is appended belongs to this term of leadership: a coordinator of a later one has loaded another state. */
  readonly #epoch: LeaderEpoch;
  /** Of all that was appended by this log: keys and values alone. */
  appendedBytes = 0;
  #waiting: Write[] = [];
  #isDue = false;

  constructor(replica: CoordinatorReplica, clock: Clock, epoch: LeaderEpoch) {
    this.#replica = replica;
    this.#clock = clock;
    this.#epoch = epoch;
  }

  /** Calls `done` with 0 once the records are committed; else with what a client of the coordinator is told. */
  append(records: readonly StoredRecord[], done: (errorCode: number) => void): void {
    const bytes = bytesOf(records);
    this.appendedBytes += bytes;
    this.#waiting.push({ records, bytes, done });
    if (this.#isDue) return;
    this.#isDue = true;
    this.#clock.soon(() => {
      this.#isDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    let batch: Write[] = [];
    let bytes = 0;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const write of waiting) {
      if (batch.length > 0 && bytes + write.bytes > BATCH_BYTES_MAX) {
        this.#appendBatch(batch);
        [batch, bytes] = [[], 0];
      }
      batch.push(write);
      bytes += write.bytes;
    }
    if (batch.length > 0) this.#appendBatch(batch);
  }

  #appendBatch(writes: readonly Write[]): void {
    const nowMs = this.#clock.now();
    const finish = (errorCode: number): void => {
      for (const { done } of writes) done(clientError(errorCode));
    };
    if (this.#replica.leaderEpoch !== this.#epoch) return finish(kafkaErrors.NOT_LEADER_OR_FOLLOWER);
    const records = writes.flatMap((write) => write.records).map((record) => ({ ...record, timestamp: nowMs }));
    const result = this.#replica.append(buildBatch(records), { acks: -1, nowMs });
    if (result.kind === "held") return this.#replica.whenReleased(() => this.#appendBatch(writes));
    if (result.kind === "refused") return finish(result.errorCode);
    whenLasting(this.#replica, result.lastOffset, finish);
  }
}

export const bytesOf = (records: readonly StoredRecord[]): number =>
  records.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);

/** What the client of a coordinator is to do about an error of the coordinator's own append. */
function clientError(errorCode: number): number {
  switch (errorCode) {
    case 0:
      return 0;
    case kafkaErrors.NOT_LEADER_OR_FOLLOWER:
    case kafkaErrors.KAFKA_STORAGE_ERROR:
      return kafkaErrors.NOT_COORDINATOR;
    default:
      return kafkaErrors.COORDINATOR_NOT_AVAILABLE;
  }
}
