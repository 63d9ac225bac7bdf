import type { BrokerEpoch, BrokerId, Incarnation, LeaderEpoch, Offset, PartitionEpoch, TopicId } from "#base/ids.ts";
import type { AdminRequest, IsrProposal, PartitionName, Registration } from "#contract/control.ts";

type Admin<Kind extends AdminRequest["kind"]> = Extract<AdminRequest, { kind: Kind }>;

/** What a replica said of its log after recovery, bound to the process that said it. */
export interface ReplicaEnd {
  readonly broker: BrokerId;
  readonly brokerEpoch: BrokerEpoch;
  readonly lastEpoch: LeaderEpoch;
  readonly logEnd: Offset;
}

export type PartitionEnds = PartitionName & { readonly ends: readonly ReplicaEnd[] };

/** What happened: facts, in the past. Time and chance are values in them. */
export type Event =
  | { readonly kind: "brokerRegistered"; readonly registration: Registration }
  /** Sessions that ended together, or processes that are proven dead. */
  | {
      readonly kind: "brokersLost";
      readonly brokers: readonly { readonly broker: BrokerId; readonly incarnation: Incarnation }[];
    }
  /** A broker came or went, a setting changed, a controller took over: offline partitions are looked at again. */
  | { readonly kind: "circumstancesChanged" }
  | { readonly kind: "isrProposed"; readonly broker: BrokerId; readonly proposal: IsrProposal }
  | {
      readonly kind: "syncedReported";
      readonly broker: BrokerId;
      readonly partition: PartitionName;
      readonly leaderEpoch: LeaderEpoch;
      readonly partitionEpoch: PartitionEpoch;
      readonly synced: boolean;
    }
  /** `isTimedOut`: `unclean.recovery.timeout.ms` is over; the best of those present is taken. */
  | { readonly kind: "logEndsReported"; readonly partition: PartitionEnds; readonly isTimedOut: boolean }
  | {
      readonly kind: "handOverAnswered";
      readonly broker: BrokerId;
      readonly partition: PartitionName;
      readonly leaderEpoch: LeaderEpoch;
      readonly target: BrokerId;
    }
  | { readonly kind: "shutdownWished"; readonly broker: BrokerId }
  /** Whatever could be moved away from the broker was. */
  | { readonly kind: "shutdownPrepared"; readonly broker: BrokerId }
  /** The broker has no data of a partition any more, as of the row of that leader epoch. */
  | {
      readonly kind: "replicaRemoved";
      readonly broker: BrokerId;
      readonly partition: PartitionName;
      readonly leaderEpoch: LeaderEpoch;
    }
  | { readonly kind: "reassignmentRequested"; readonly request: Admin<"alterReassignments"> }
  | { readonly kind: "drainRequested"; readonly request: Admin<"drainBroker"> }
  /** There is room for more copies: brokers that are drained, and new ones if `isRebalancing`, get their next share. */
  | { readonly kind: "copiesCalled"; readonly countMax: number; readonly isRebalancing: boolean }
  | {
      readonly kind: "replicationFactorRequested";
      readonly request: Admin<"setReplicationFactor">;
      readonly countMax: number;
    }
  | { readonly kind: "brokerRemovalRequested"; readonly request: Admin<"removeBroker"> }
  | { readonly kind: "racksSetRequested"; readonly request: Admin<"setRacks"> }
  | { readonly kind: "topicRemoved"; readonly broker: BrokerId; readonly topicId: TopicId }
  | {
      readonly kind: "topicsCreateRequested";
      readonly request: Admin<"createTopics">;
      /** One fresh id for each topic of the request. */
      readonly topicIds: readonly TopicId[];
      /** Any whole number ≥ 0: where placement begins to rotate. */
      readonly start: number;
    }
  | { readonly kind: "topicsOwnRequested"; readonly request: Admin<"ownTopics"> }
  | { readonly kind: "topicsDeleteRequested"; readonly request: Admin<"deleteTopics"> }
  | {
      readonly kind: "partitionsCreateRequested";
      readonly request: Admin<"createPartitions">;
      readonly start: number;
    }
  | { readonly kind: "configsAlterRequested"; readonly request: Admin<"alterConfigs"> }
  | {
      readonly kind: "uncleanElectionRequested";
      readonly partitions: readonly { readonly topic: string; readonly partition: number }[] | null;
      /** What is known of the replicas' logs. */
      readonly ends: readonly PartitionEnds[];
    }
  | { readonly kind: "producerIdsRequested" };
