import type { BrokerId, LeaderEpoch, Offset, PartitionIndex, TopicId } from "../base/ids.ts";
import type { ReplicaListener } from "../replication/replica.ts";
import type { FetchRequest } from "../wire/apis/01-fetch.ts";
import type { HostedReplica } from "./replicas.ts";

type Topic = FetchRequest["topics"][number];
type Wish = Topic["partitions"][number];

/** What one look at a partition found, as the response says it. */
export interface PartitionAnswer {
  readonly partitionIndex: PartitionIndex;
  readonly errorCode: number;
  readonly highWatermark: Offset;
  readonly lastStableOffset: Offset;
  readonly logStartOffset: Offset;
  readonly divergingEpoch?: { readonly epoch: LeaderEpoch; readonly endOffset: Offset };
  currentLeader?: { leaderId: BrokerId; leaderEpoch: LeaderEpoch } | undefined;
  readonly abortedTransactions: readonly never[] | null;
  /** The follower that the client is sent to; absent where it is served. */
  readonly preferredReadReplica?: BrokerId;
  readonly records: readonly Uint8Array[];
}

/** Whether the client has to do something before it can read on here: it is told at once. */
export const isObstacle = (answer: PartitionAnswer): boolean =>
  answer.errorCode !== 0 || answer.divergingEpoch !== undefined || answer.preferredReadReplica !== undefined;

/** Whoever fetches a partition: a request by itself, or a session. */
export interface PartitionOwner {
  /** Something about the partition is no longer as the last look found it. Said once after each look. */
  onPartitionChange(partition: FetchedPartition): void;
}

const NOTHING_TOLD = -1 as Offset;

/**
 * One partition that a client fetches: where it stands, and, in a session, what the client was told of it. It watches
 * the replica that the last look found until that moves once; so whoever never comes back costs a busy partition
 * nothing.
 */
export class FetchedPartition implements ReplicaListener {
  /** "" where the client names topics by id. */
  readonly topic: string;
  /** NO_TOPIC_ID where it names them by name. */
  readonly topicId: TopicId;
  readonly index: PartitionIndex;
  owner: PartitionOwner;
  leaderEpoch: LeaderEpoch;
  fetchOffset: Offset;
  lastFetchedEpoch: LeaderEpoch;
  bytesMax: number;
  /** Moved since the last look, or never looked at. */
  hasChanged = true;
  /** Its session is to look at it when the next request comes, or looks at it now. */
  isQueued = true;
  #toldHighWatermark = NOTHING_TOLD;
  #toldLogStart = NOTHING_TOLD;
  #watched: HostedReplica | null = null;

  constructor(topic: Pick<Topic, "topic" | "topicId">, wish: Wish, owner: PartitionOwner) {
    this.topic = topic.topic;
    this.topicId = topic.topicId;
    this.index = wish.partition;
    this.owner = owner;
    this.leaderEpoch = wish.currentLeaderEpoch;
    this.fetchOffset = wish.fetchOffset;
    this.lastFetchedEpoch = wish.lastFetchedEpoch;
    this.bytesMax = wish.partitionMaxBytes;
  }

  /** The client goes on elsewhere in the partition. */
  update(wish: Wish): void {
    this.leaderEpoch = wish.currentLeaderEpoch;
    this.fetchOffset = wish.fetchOffset;
    this.lastFetchedEpoch = wish.lastFetchedEpoch;
    this.bytesMax = wish.partitionMaxBytes;
    this.hasChanged = true;
  }

  /** The owner hears of the next move of `replica`. */
  watch(replica: HostedReplica): void {
    if (this.#watched === replica) return;
    this.unwatch();
    this.#watched = replica;
    replica.listen(this);
  }

  unwatch(): void {
    this.#watched?.unlisten(this);
    this.#watched = null;
  }

  onReplicaChange(): void {
    this.unwatch();
    this.hasChanged = true;
    this.owner.onPartitionChange(this);
  }

  /**
   * Whether an answer holds anything that the client was not told yet: records, a moved high watermark or log start, or
   * a reason not to read here, which is told every time, and the bounds anew once it is over. Takes it for told.
   * Source: KIP-227.
   */
  tell(answer: PartitionAnswer): boolean {
    if (isObstacle(answer)) {
      this.#toldHighWatermark = NOTHING_TOLD;
      return true;
    }
    const { highWatermark, logStartOffset, records } = answer;
    const isNews = highWatermark !== this.#toldHighWatermark || logStartOffset !== this.#toldLogStart;
    this.#toldHighWatermark = highWatermark;
    this.#toldLogStart = logStartOffset;
    return isNews || records.length > 0;
  }

  /** Whether, after an answer, nothing is left to be told until the replica moves. */
  isQuietAfter(answer: PartitionAnswer): boolean {
    if (isObstacle(answer)) return false;
    return !this.hasChanged && answer.records.length === 0 && this.fetchOffset >= answer.highWatermark;
  }
}
