import type {
  BrokerEpoch,
  BrokerId,
  ControllerEpoch,
  Incarnation,
  LeaderEpoch,
  Offset,
  PartitionEpoch,
  PartitionIndex,
  StorageId,
  TopicId,
} from "../base/ids.ts";
import type { Endpoint, MetadataRows, MetadataVersion, TopicOwner } from "./rows.ts";

/** Raised when a message changes its meaning. Both sides refuse another one. */
export const CONTRACT_VERSION = 1;

/** The broker's streamed exchange with the active controller; one JSON message a line in both directions. */
export const CONTROL_PATH = "/v1/control";
/** POST to a broker by a controller that took over: `ControllerAnnouncement`; the broker dials it at once. */
export const ANNOUNCE_PATH = "/v1/controller";
/** GET: `{"incarnation":"…"}`. Needs no token. */
export const INCARNATION_PATH = "/v1/incarnation";
/** A follower's streamed exchange with a leader. */
export const REPLICATION_PATH = "/v1/replication";
/** A broker's streamed exchange with another one, whose Kafka client it is: it passes on what HTTP asked it for. */
export const KAFKA_PATH = "/v1/kafka";

/** Brokers send one this often; a session ends when none came for the session timeout. */
export const HEARTBEAT_INTERVAL_MS = 500;

export interface PartitionName {
  readonly topicId: TopicId;
  readonly partition: PartitionIndex;
}

/** First message of a broker on a new control stream. */
export interface Registration {
  readonly type: "register";
  readonly contractVersion: number;
  /** "" when the data folder is new. */
  readonly clusterId: string;
  readonly brokerId: BrokerId;
  readonly incarnation: Incarnation;
  readonly storageId: StorageId;
  readonly endpoints: readonly Endpoint[];
  readonly http: { readonly host: string; readonly port: number };
  readonly rack: string | null;
  /** Identity of the kernel's page cache and of the mount: equal ones mean that unsynced writes survived. */
  readonly bootId: string;
  readonly device: string;
  readonly mountId: string;
  /** Incarnation named in the clean-stop marker; null without one. */
  readonly cleanStopOf: Incarnation | null;
  /** A write or sync failed in an earlier life of this folder. */
  readonly hasIoErrorMark: boolean;
  /** Partitions where recovery cut more than an incomplete last write, or that ended below their checkpointed HW. */
  readonly damaged: readonly PartitionName[];
  /** Newest metadata this broker was ever sent (kept on its disk); null when none. */
  readonly metadataVersion: MetadataVersion | null;
}

/** `live` follows every message that changed what the broker hosts; `applied` is the newest version in force. */
export interface Heartbeat {
  readonly type: "heartbeat";
  readonly brokerEpoch: BrokerEpoch;
  readonly applied: MetadataVersion | null;
}

/** A leader's wish for another ISR: compare-and-swap on both epochs, each member with the broker epoch it showed. */
export interface IsrProposal extends PartitionName {
  readonly type: "isrProposal";
  readonly leaderEpoch: LeaderEpoch;
  readonly partitionEpoch: PartitionEpoch;
  readonly isr: readonly { readonly broker: BrokerId; readonly brokerEpoch: BrokerEpoch }[];
  /** +1 at every sending by this process, also when the same wish is sent again; a refusal names it. */
  readonly attempt: number;
}

/** Answer to `queryLogEnds`, after recovery. `lastEpoch` −1 and `logEnd` 0 for an empty log. */
export interface LogEnds {
  readonly type: "logEnds";
  readonly query: number;
  readonly ends: readonly (PartitionName & { readonly lastEpoch: LeaderEpoch; readonly logEnd: Offset })[];
}

/**
 * The old leader holds appends and the target has its log end (or 500 ms ran out: isReady false). Once it said ready,
 * acks=1 promises nothing of its own there before the row or `handOverVoid` comes, or another session begins.
 */
export interface HandOverReady extends PartitionName {
  readonly type: "handOverReady";
  readonly leaderEpoch: LeaderEpoch;
  readonly target: BrokerId;
  /** Of the question that is answered. */
  readonly attempt: number;
  readonly isReady: boolean;
}

/** The data of a deleted topic is gone from this broker. */
export interface TopicRemoved {
  readonly type: "topicRemoved";
  readonly topicId: TopicId;
}

/** This broker has no data of a partition it was removed from, as it stands in the row of that leader epoch. */
export interface ReplicaRemoved extends PartitionName {
  readonly type: "replicaRemoved";
  readonly leaderEpoch: LeaderEpoch;
}

/** A leader reports how many bytes replicas that are being added still lack; for people, nothing is decided by it. */
export interface CopyProgress {
  readonly type: "copyProgress";
  readonly partitions: readonly (PartitionName & {
    readonly leaderEpoch: LeaderEpoch;
    readonly missing: readonly { readonly broker: BrokerId; readonly bytes: number }[];
  })[];
}

/** The leader reports: all ISR members synced up to their log end, `flush.messages=1` in force (or not any more). */
export interface SyncedReport extends PartitionName {
  readonly type: "synced";
  readonly leaderEpoch: LeaderEpoch;
  /** Of the row whose ISR it speaks of: of another ISR a `true` says nothing. */
  readonly partitionEpoch: PartitionEpoch;
  readonly synced: boolean;
}

/** SIGTERM came: move the leaders away; answered by `shutdownReady`. */
export interface ShutdownWish {
  readonly type: "shutdownWish";
}

/** A write or sync failed; the process is about to exit. */
export interface StorageFailed {
  readonly type: "storageFailed";
}

/** Answer to `queryMetadata`: the newest metadata this broker was ever sent. */
export interface MetadataReport extends KeptMetadata {
  readonly type: "metadataReport";
}

/** What a broker keeps of the metadata, for a controller that has lost it. */
export interface KeptMetadata {
  readonly version: MetadataVersion;
  readonly rows: MetadataRows;
}

/** An administrative request that reached this broker, for the controller to decide. */
export interface AdminCall {
  readonly type: "admin";
  readonly call: number;
  readonly request: AdminRequest;
}

export type ToController =
  | Registration
  | Heartbeat
  | IsrProposal
  | LogEnds
  | HandOverReady
  | TopicRemoved
  | ReplicaRemoved
  | CopyProgress
  | SyncedReport
  | ShutdownWish
  | StorageFailed
  | MetadataReport
  | AdminCall;

/** Answer to a registration that was committed. */
export interface Registered {
  readonly type: "registered";
  readonly clusterId: string;
  readonly controllerEpoch: ControllerEpoch;
  readonly brokerEpoch: BrokerEpoch;
  readonly sessionTimeoutMs: number;
  readonly version: MetadataVersion;
  readonly snapshot: MetadataRows;
}

/** Another controller is active, or this broker must not join: `reason` is one line for its log. */
export interface Refused {
  readonly type: "refused";
  readonly code:
    | "NOT_CONTROLLER"
    | "WRONG_CLUSTER"
    | "WRONG_VERSION"
    | "DUPLICATE_BROKER"
    | "STALE_CONTROLLER"
    | "NOT_READY";
  readonly reason: string;
  /** Where the active controller is, when known. `path`: begins its paths. */
  readonly controller: { readonly host: string; readonly port: number; readonly path?: string } | null;
}

/**
 * What one commit changed. `sequence` follows the last one by exactly 1, else the broker asks for a snapshot by
 * reconnecting.
 */
export interface Delta {
  readonly type: "delta";
  readonly version: MetadataVersion;
  readonly rows: MetadataRows;
}

/** Keeps the stream alive in the other direction and carries the newest committed version. */
export interface ControllerHeartbeat {
  readonly type: "controllerHeartbeat";
  readonly version: MetadataVersion;
}

/** The controller definitely refused *that* proposal (stale epochs, ineligible member). Success is a newer row. */
export interface IsrRefused extends PartitionName {
  readonly type: "isrRefused";
  readonly leaderEpoch: LeaderEpoch;
  readonly partitionEpoch: PartitionEpoch;
  /** Of the proposal that is refused: an earlier sending's refusal says nothing of a later one still on its way. */
  readonly attempt: number;
  readonly reason: string;
}

export interface QueryLogEnds {
  readonly type: "queryLogEnds";
  readonly query: number;
  readonly partitions: readonly PartitionName[];
}

/** Comes before the answer to a registration: the controller recovers, and has lost what this broker was told. */
export interface QueryMetadata {
  readonly type: "queryMetadata";
}

/** Hold appends until `target` has your log end, at most 500 ms, then say `handOverReady`. */
export interface HandOver extends PartitionName {
  readonly type: "handOver";
  readonly leaderEpoch: LeaderEpoch;
  readonly target: BrokerId;
  /** +1 at every question of this controller: an answer to an earlier one says nothing of a later hold. */
  readonly attempt: number;
}

/** Nothing has come of that hand-over, and nothing will: the old leader goes on as if it had not been asked. */
export interface HandOverVoid extends PartitionName {
  readonly type: "handOverVoid";
  readonly attempt: number;
}

/** Nothing is led by this broker any more (or nothing more can be moved): flush, mark, exit. */
export interface ShutdownReady {
  readonly type: "shutdownReady";
}

export interface AdminAnswer {
  readonly type: "adminAnswer";
  readonly call: number;
  readonly response: AdminResponse;
}

export type ToBroker =
  | Registered
  | Refused
  | Delta
  | ControllerHeartbeat
  | IsrRefused
  | QueryLogEnds
  | QueryMetadata
  | HandOver
  | HandOverVoid
  | ShutdownReady
  | AdminAnswer;

/** Body of POST `ANNOUNCE_PATH`. A broker ignores a lower controller epoch than it has seen. */
export interface ControllerAnnouncement {
  readonly controllerEpoch: ControllerEpoch;
  readonly clusterId: string;
  readonly http: { readonly host: string; readonly port: number; readonly path?: string };
}

export interface NewTopic {
  readonly name: string;
  /** −1: the cluster's default (`num.partitions`). Ignored when `assignments` is given. */
  readonly partitionCount: number;
  /** −1: the cluster's default (`default.replication.factor`). */
  readonly replicationFactor: number;
  /** Manual placement, by partition; null for the controller's own. */
  readonly assignments: readonly (readonly BrokerId[])[] | null;
  readonly config: Readonly<Record<string, string>>;
  /** The Topic resource that asks for it; committed with the topic. */
  readonly owner?: TopicOwner;
}

export interface ConfigChange {
  readonly key: string;
  readonly operation: "set" | "delete" | "append" | "subtract";
  /** null only with delete. */
  readonly value: string | null;
}

export interface ConfigResource {
  readonly kind: "topic" | "broker";
  /** Topic name; broker id, or "" for all brokers. */
  readonly name: string;
}

/** Errors are Kafka's codes; 0 = none. `message` is one line for people. */
export interface Outcome {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

export type AdminRequest =
  | { readonly kind: "createTopics"; readonly topics: readonly NewTopic[]; readonly validateOnly: boolean }
  | {
      readonly kind: "deleteTopics";
      readonly topics: readonly { readonly name: string | null; readonly topicId: TopicId | null }[];
    }
  | {
      readonly kind: "createPartitions";
      readonly topics: readonly {
        readonly name: string;
        readonly totalCount: number;
        readonly assignments: readonly (readonly BrokerId[])[] | null;
      }[];
      readonly validateOnly: boolean;
    }
  | {
      readonly kind: "alterConfigs";
      readonly resources: readonly (ConfigResource & {
        readonly changes: readonly ConfigChange[];
        /** Whatever no change names goes back to its default. */
        readonly replaces?: boolean;
      })[];
      readonly validateOnly: boolean;
    }
  | {
      readonly kind: "electLeaders";
      readonly election: "preferred" | "unclean";
      /** null: every partition. */
      readonly partitions: readonly { readonly topic: string; readonly partition: number }[] | null;
    }
  | { readonly kind: "allocateProducerIds" }
  /** Says which Topic resource manages a topic; null: none any more. */
  | {
      readonly kind: "ownTopics";
      readonly topics: readonly { readonly topicId: TopicId; readonly owner: TopicOwner | null }[];
    }
  | {
      readonly kind: "alterReassignments";
      /** `replicas`: the whole target, preferred leader first; null ends a reassignment and goes back. */
      readonly partitions: readonly {
        readonly topic: string;
        readonly partition: number;
        readonly replicas: readonly BrokerId[] | null;
      }[];
      /** Otherwise a target of another size than the present assignment is refused. */
      readonly mayChangeReplicationFactor: boolean;
    }
  | {
      readonly kind: "listReassignments";
      /** null: all that are under way. */
      readonly partitions: readonly { readonly topic: string; readonly partition: number }[] | null;
    }
  /** Moves everything off a broker, a few partitions at a time; asked again it tells how far that is. */
  | { readonly kind: "drainBroker"; readonly broker: BrokerId; readonly isDraining: boolean }
  /** Gives brokers that hold less their share, a few partitions at a time; asked again it tells how far that is. */
  | { readonly kind: "rebalance" }
  /** Gives a topic more or fewer replicas, a few partitions at a time; to be asked again until nothing remains. */
  | { readonly kind: "setReplicationFactor"; readonly topic: string; readonly replicationFactor: number }
  /** Forgets a broker that is away and to which nothing is assigned. */
  | { readonly kind: "removeBroker"; readonly broker: BrokerId }
  /** Says where brokers stand that do not know it themselves. */
  | { readonly kind: "setRacks"; readonly racks: readonly BrokerRack[] };

export interface BrokerRack {
  readonly broker: BrokerId;
  /** null: a rack of its own. */
  readonly rack: string | null;
}

/** A partition on its way to another assignment. */
export interface Reassignment {
  readonly topic: string;
  readonly topicId: TopicId;
  readonly partition: PartitionIndex;
  /** All that hold data: target, then those that leave. */
  readonly replicas: readonly BrokerId[];
  readonly adding: readonly BrokerId[];
  readonly removing: readonly BrokerId[];
  /** Bytes that the replicas being added still lack; null when no leader has told yet. */
  readonly missingBytes: number | null;
}

export type AdminResponse =
  | {
      readonly kind: "createTopics";
      readonly topics: readonly (Outcome & {
        readonly name: string;
        readonly topicId: TopicId;
        readonly partitionCount: number;
        readonly replicationFactor: number;
        readonly config: Readonly<Record<string, string>>;
      })[];
    }
  | {
      readonly kind: "deleteTopics";
      readonly topics: readonly (Outcome & { readonly name: string | null; readonly topicId: TopicId })[];
    }
  | { readonly kind: "createPartitions"; readonly topics: readonly (Outcome & { readonly name: string })[] }
  | { readonly kind: "alterConfigs"; readonly resources: readonly (Outcome & ConfigResource)[] }
  | {
      readonly kind: "electLeaders";
      readonly partitions: readonly (Outcome & { readonly topic: string; readonly partition: number })[];
    }
  | { readonly kind: "ownTopics"; readonly topics: readonly (Outcome & { readonly topicId: TopicId })[] }
  /** Producer ids [first, first + count), never handed out before; committed before it is answered. */
  | { readonly kind: "allocateProducerIds"; readonly first: number; readonly count: number }
  | {
      readonly kind: "alterReassignments";
      readonly partitions: readonly (Outcome & { readonly topic: string; readonly partition: number })[];
    }
  | { readonly kind: "listReassignments"; readonly reassignments: readonly Reassignment[] }
  /** `assigned`: partitions that still count this broker in; `unconfirmed`: whose data it has yet to delete. */
  | ({ readonly kind: "drainBroker"; readonly assigned: number; readonly unconfirmed: number } & Outcome)
  /** `remaining`: partitions that move or are to move. */
  | ({ readonly kind: "rebalance"; readonly remaining: number } & Outcome)
  /** `remaining`: partitions that have, or are on their way to, another number of replicas than asked for. */
  | ({ readonly kind: "setReplicationFactor"; readonly remaining: number } & Outcome)
  | ({ readonly kind: "removeBroker" } & Outcome)
  | ({ readonly kind: "setRacks" } & Outcome)
  /** The controller could not decide (not active, store unreachable): NOT_CONTROLLER or a retriable code. */
  | ({ readonly kind: "failed" } & Outcome);
