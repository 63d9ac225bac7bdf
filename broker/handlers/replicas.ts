import type { TopicId } from "../base/ids.ts";
import type { Replica } from "../replication/replica.ts";

/** What the handlers use of a partition's log. */
export type ReplicaLog = Pick<
  Replica["log"],
  "logStart" | "logEnd" | "sizeBytes" | "endOffsetFor" | "epochAt" | "offsetForTimestamp" | "offsetOfMaxTimestamp"
>;

/** What the handlers use of a partition that this broker hosts. */
export type HostedReplica = Pick<
  Replica,
  | "role"
  | "highWatermark"
  | "leaderEpoch"
  | "isReadyAsLeader"
  | "errorForEpoch"
  | "append"
  | "whenReleased"
  | "whenCommitted"
  | "whenWritten"
  | "read"
  | "followersAt"
  | "deleteRecords"
  | "listen"
  | "unlisten"
> & { readonly log: ReplicaLog };

/** The partitions that this broker hosts. */
export interface Replicas {
  get(topicId: TopicId, partition: number): HostedReplica | undefined;
  getByName(topic: string, partition: number): HostedReplica | undefined;
}

/** A record's place and time. */
export type FoundOffset = NonNullable<Awaited<ReturnType<ReplicaLog["offsetForTimestamp"]>>>;
