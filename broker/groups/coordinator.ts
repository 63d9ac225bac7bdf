import type { Clock } from "../base/clock.ts";
import type { LeaderEpoch, TopicId } from "../base/ids.ts";
import type { Logger } from "../base/logging.ts";
import type { Random } from "../base/random.ts";
import type { Deadlines } from "../replication/deadlines.ts";
import { kafkaErrors } from "../wire/error-codes.ts";
import type { CoordinatorReplica } from "./group-log.ts";
import { GroupPartition } from "./group-partition.ts";
import type { GroupLimits } from "./group-state.ts";

/** Where groups and committed offsets are kept, in every Kafka. */
export const OFFSETS_TOPIC = "__consumer_offsets";

/** What the metadata says of one partition of `__consumer_offsets`. */
export interface CoordinatedRow {
  readonly isLedHere: boolean;
  readonly leaderEpoch: LeaderEpoch;
}

export interface CoordinatorParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly random: Random;
  readonly deadlines: Deadlines;
  /** Partitions of `__consumer_offsets` in order; none while it does not exist. */
  rows(): readonly CoordinatedRow[];
  replica(partition: number): CoordinatorReplica | undefined;
  readonly limits: () => GroupLimits;
  /** A partition with less than this is never rewritten. */
  readonly rewriteBytesMin: () => number;
}

export type FoundPartition =
  | { readonly kind: "found"; readonly partition: GroupPartition }
  | { readonly kind: "refused"; readonly errorCode: number };

/** The groups that this broker coordinates: those of the partitions of `__consumer_offsets` that it leads. */
export class GroupCoordinator {
  readonly #parts: CoordinatorParts;
  readonly #led = new Map<number, GroupPartition>();

  constructor(parts: CoordinatorParts) {
    this.#parts = parts;
  }

  /** The coordinator of a group's partition, or why this broker cannot answer for it. */
  find(group: string): FoundPartition {
    const rows = this.#parts.rows();
    if (rows.length === 0) return { kind: "refused", errorCode: kafkaErrors.NOT_COORDINATOR };
    const partition = this.#led.get(partitionFor(group, rows.length));
    if (partition === undefined) return { kind: "refused", errorCode: kafkaErrors.NOT_COORDINATOR };
    if (!partition.isLoaded) return { kind: "refused", errorCode: kafkaErrors.COORDINATOR_LOAD_IN_PROGRESS };
    return { kind: "found", partition };
  }

  /** Every partition led here; one that is still being read cannot be listed. */
  get partitions(): readonly GroupPartition[] {
    return [...this.#led.values()];
  }

  /** The metadata changed: takes up what this broker leads now, and gives up what it does not lead any more. */
  refresh(): void {
    const rows = this.#parts.rows();
    for (const [index, partition] of this.#led) {
      const row = rows[index];
      if (row?.isLedHere === true && row.leaderEpoch === partition.epoch) continue;
      partition.end();
      this.#led.delete(index);
    }
    rows.forEach((row, index) => {
      if (!row.isLedHere || this.#led.has(index)) return;
      const partition = new GroupPartition(
        {
          clock: this.#parts.clock,
          logger: this.#parts.logger,
          deadlines: this.#parts.deadlines,
          newId: () => uuidFrom(this.#parts.random.id()),
          rewriteBytesMin: this.#parts.rewriteBytesMin,
          limits: this.#parts.limits,
        },
        row.leaderEpoch,
        () => this.#parts.replica(index),
      );
      this.#led.set(index, partition);
      partition.load();
    });
  }

  /** Drops what was committed for topics that are gone. */
  forget(isGone: (topic: string, topicId: TopicId) => boolean): void {
    for (const partition of this.#led.values()) if (partition.isLoaded) partition.forget(isGone);
  }

  expire(retentionMs: number): void {
    for (const partition of this.#led.values()) if (partition.isLoaded) partition.expire(retentionMs);
  }

  stop(): void {
    for (const partition of this.#led.values()) partition.end();
    this.#led.clear();
  }
}

/** As Kafka finds it, so that its tools look in the right place: String.hashCode without its sign. */
export function partitionFor(group: string, partitions: number): number {
  let hash = 0;
  for (let at = 0; at < group.length; at++) hash = (Math.imul(hash, 31) + group.charCodeAt(at)) | 0;
  return (hash & 0x7fff_ffff) % partitions;
}

/** 32 hexadecimal digits as people know them from Kafka's member ids. */
const uuidFrom = (id: string): string => id.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
