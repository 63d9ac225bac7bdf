import type { TopicId } from "../base/ids.ts";
import type { FetchRequest } from "../wire/apis/01-fetch.ts";
import { FetchedPartition, type PartitionAnswer, type PartitionOwner } from "./fetched-partition.ts";

/** The request that a session is busy with. */
export interface SessionUser {
  /** One of the partitions moved. */
  wake(): void;
  /** Another request of the same session has come: end the wait with what there is. */
  hurry(): void;
}

/** What is different from the request before. */
export type SessionChange = Pick<FetchRequest, "topics" | "forgottenTopicsData">;

const FIRST_EPOCH = 1;
const EPOCH_MAX = 0x7fff_ffff;

/**
 * What one client fetches from this broker, remembered between its requests (KIP-227). A request names only what is
 * different from before, and only the partitions in the queue are looked at: those that moved since they were last
 * looked at, those that the request changed, and those that had more than their answer could take. All others are
 * quiet and watched, so an idle fetch costs the same over a thousand partitions as over one.
 *
 * The queue is in the order of service: what got no room stands before what gave records, so that no partition with
 * much to read starves another.
 */
export class FetchSession implements PartitionOwner {
  readonly id: number;
  readonly hasTopicIds: boolean;
  readonly createdAtMs: number;
  /** What the next request has to name. */
  epoch = FIRST_EPOCH;
  lastUsedAtMs: number;
  isClosed = false;
  /** By topic (id or name, as the client has it) and partition. */
  readonly #partitions = new Map<string, Map<number, FetchedPartition>>();
  #size = 0;
  #queue: FetchedPartition[] = [];
  #user: SessionUser | null = null;
  readonly #parked: (() => void)[] = [];

  /** Takes over `partitions`, as its queue; of two that are the same one the later counts. */
  constructor(
    of: { readonly id: number; readonly hasTopicIds: boolean; readonly nowMs: number },
    partitions: readonly FetchedPartition[],
  ) {
    this.id = of.id;
    this.hasTopicIds = of.hasTopicIds;
    this.createdAtMs = of.nowMs;
    this.lastUsedAtMs = of.nowMs;
    for (const partition of partitions) {
      this.#remove(this.#keyOf(partition), partition.index);
      this.#add(partition);
    }
  }

  /** Partitions in it. */
  get size(): number {
    return this.#size;
  }

  /** Those to look at, in the order of service. Grows while a request looks. */
  get queue(): readonly FetchedPartition[] {
    return this.#queue;
  }

  /** Runs `begin` once no earlier request of the session is under way: at once, or after hurrying it. */
  whenFree(begin: () => void): void {
    if (this.#user === null) return begin();
    this.#parked.push(begin);
    this.#user.hurry();
  }

  /** The session is busy with `user` until `release`. The epoch for the next request is the next one. */
  use(user: SessionUser, nowMs: number): void {
    this.#user = user;
    this.lastUsedAtMs = nowMs;
    this.epoch = this.epoch === EPOCH_MAX ? FIRST_EPOCH : this.epoch + 1;
  }

  release(): void {
    this.#user = null;
    while (this.#user === null && this.#parked.length > 0) this.#parked.shift()!();
  }

  /** What a request changes: partitions that are new or stand elsewhere, then those that are fetched no more. */
  update({ topics, forgottenTopicsData }: SessionChange): void {
    for (const topic of topics) {
      const key = this.#keyOf(topic);
      for (const wish of topic.partitions) {
        const partition = this.#partitions.get(key)?.get(wish.partition);
        if (partition === undefined) this.#add(new FetchedPartition(topic, wish, this));
        else {
          partition.update(wish);
          this.#enqueue(partition);
        }
      }
    }
    let isAnyQueued = false;
    for (const topic of forgottenTopicsData) {
      const key = this.#keyOf(topic);
      for (const index of topic.partitions) isAnyQueued = this.#remove(key, index) || isAnyQueued;
    }
    if (isAnyQueued) this.#queue = this.#queue.filter(({ isQueued }) => isQueued);
  }

  /** After an answer: who has nothing more to tell leaves the queue; who gave records goes behind who could not. */
  settle(answers: readonly (PartitionAnswer | undefined)[]): void {
    const unserved: FetchedPartition[] = [];
    const served: FetchedPartition[] = [];
    for (let at = 0; at < this.#queue.length; at++) {
      const partition = this.#queue[at]!;
      const answer = answers[at];
      if (!partition.isQueued) continue;
      if (answer !== undefined && partition.isQuietAfter(answer)) partition.isQueued = false;
      else {
        partition.unwatch();
        (answer !== undefined && answer.records.length > 0 ? served : unserved).push(partition);
      }
    }
    this.#queue = unserved.concat(served);
  }

  onPartitionChange(partition: FetchedPartition): void {
    this.#enqueue(partition);
    this.#user?.wake();
  }

  /** Forgets everything. A request that is under way still looks at what was queued. */
  close(): void {
    this.isClosed = true;
    for (const partitions of this.#partitions.values()) for (const one of partitions.values()) one.unwatch();
    this.#partitions.clear();
    this.#size = 0;
    this.#user?.hurry();
  }

  #keyOf({ topic, topicId }: { readonly topic: string; readonly topicId: TopicId }): string {
    return this.hasTopicIds ? topicId : topic;
  }

  #enqueue(partition: FetchedPartition): void {
    if (partition.isQueued) return;
    partition.isQueued = true;
    this.#queue.push(partition);
  }

  #add(partition: FetchedPartition): void {
    const key = this.#keyOf(partition);
    let partitions = this.#partitions.get(key);
    if (partitions === undefined) {
      partitions = new Map();
      this.#partitions.set(key, partitions);
    }
    partitions.set(partition.index, partition);
    partition.owner = this;
    partition.isQueued = true;
    this.#size++;
    this.#queue.push(partition);
  }

  /** True when it stood in the queue, from which the caller has to take it. */
  #remove(key: string, index: number): boolean {
    const partitions = this.#partitions.get(key);
    const partition = partitions?.get(index);
    if (partitions === undefined || partition === undefined) return false;
    partition.unwatch();
    partitions.delete(index);
    if (partitions.size === 0) this.#partitions.delete(key);
    this.#size--;
    const wasQueued = partition.isQueued;
    partition.isQueued = false;
    return wasQueued;
  }
}
