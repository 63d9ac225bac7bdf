/**
 * The only table of Kafka configuration keys that exist here. A key that is not in it is refused by name; one that
 * is in it has an effect. Names, types and defaults are Kafka's (docs/configuration.md says where we differ).
 */

export type ConfigType = "boolean" | "string" | "int" | "long" | "double" | "list";
/** Who may change a broker's key while it runs: nobody, all brokers at once (""), or each broker by itself too. */
export type ConfigUpdate = "readOnly" | "clusterWide" | "perBroker";

/** A broker's key that speaks when the topic (or the key before it) is silent; its value counts `factor` times. */
export interface ConfigSynonym {
  readonly key: string;
  readonly factor: number;
}

export interface ConfigKey {
  readonly name: string;
  readonly type: ConfigType;
  /** null: nothing of its own, the next synonym's default speaks. */
  readonly defaultValue: string | null;
  /** Least and greatest number, both included. */
  readonly least?: number;
  readonly most?: number;
  /** The only values of a string, or of each element of a list. */
  readonly oneOf?: readonly string[];
  /** A number between least and most that is none of the key's. */
  readonly except?: number;
  readonly update: ConfigUpdate;
  /** In order of precedence. Of a topic's key: its broker keys. Of a broker's key: itself, then coarser units. */
  readonly synonyms: readonly ConfigSynonym[];
  readonly doc: string;
}

const LONG_MAX = "9223372036854775807";
const INT_MAX = 2 ** 31 - 1;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

type Draft = Omit<ConfigKey, "name" | "update" | "synonyms"> & {
  readonly update?: ConfigUpdate;
  readonly synonyms?: readonly (string | readonly [string, number])[];
};

function table(drafts: Readonly<Record<string, Draft>>): ReadonlyMap<string, ConfigKey> {
  const entries = Object.entries(drafts).map(([name, { update, synonyms, ...rest }]): [string, ConfigKey] => [
    name,
    {
      ...rest,
      name,
      update: update ?? "readOnly",
      synonyms: (synonyms ?? []).map((synonym) =>
        typeof synonym === "string" ? { key: synonym, factor: 1 } : { key: synonym[0], factor: synonym[1] },
      ),
    },
  ]);
  return new Map(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

const retentionMs = [
  "log.retention.ms",
  ["log.retention.minutes", MINUTE_MS],
  ["log.retention.hours", HOUR_MS],
] as const;
const rollMs = ["log.roll.ms", ["log.roll.hours", HOUR_MS]] as const;
const flushMs = ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"] as const;
const timestampTypes = ["CreateTime", "LogAppendTime"];

/** Keys of a topic, by name. Every one can be changed while the topic is in use. */
export const topicConfigKeys: ReadonlyMap<string, ConfigKey> = table({
  "cleanup.policy": {
    type: "list",
    defaultValue: "delete",
    oneOf: ["delete", "compact"],
    synonyms: ["log.cleanup.policy"],
    doc:
      "What happens to old records: delete (by retention.ms and retention.bytes), compact (of each key the newest " +
      "stays), or both.",
  },
  "compression.gzip.level": {
    type: "int",
    defaultValue: "-1",
    least: -1,
    most: 9,
    except: 0,
    synonyms: ["compression.gzip.level"],
    doc: "How hard gzip tries where compression.type is gzip: 1 (fast) to 9 (small). -1: gzip's own choice, 6.",
  },
  "compression.type": {
    type: "string",
    defaultValue: "producer",
    oneOf: ["producer", "uncompressed", "gzip", "snappy", "lz4", "zstd"],
    synonyms: ["compression.type"],
    doc: "How batches are stored: as the producer compressed them, or all by one codec; others are compressed anew.",
  },
  "compression.zstd.level": {
    type: "int",
    defaultValue: "3",
    least: -131_072,
    most: 22,
    synonyms: ["compression.zstd.level"],
    doc: "How hard zstd tries where compression.type is zstd: the lower the faster, 22 is smallest.",
  },
  "delete.retention.ms": {
    type: "long",
    defaultValue: "86400000",
    least: 0,
    synonyms: ["log.cleaner.delete.retention.ms"],
    doc: "How long a tombstone stays after it was first compacted.",
  },
  "file.delete.delay.ms": {
    type: "long",
    defaultValue: "60000",
    least: 0,
    synonyms: ["log.segment.delete.delay.ms"],
    doc: "How long the files of a deleted segment stay on disk.",
  },
  "flush.messages": {
    type: "long",
    defaultValue: LONG_MAX,
    least: 1,
    synonyms: ["log.flush.interval.messages"],
    doc: "Records between two fsyncs. 1: every acknowledged record is synced on every in-sync replica first.",
  },
  "flush.ms": {
    type: "long",
    defaultValue: LONG_MAX,
    least: 0,
    synonyms: flushMs,
    doc: "How long a record may stay unsynced.",
  },
  "index.interval.bytes": {
    type: "int",
    defaultValue: "4096",
    least: 0,
    synonyms: ["log.index.interval.bytes"],
    doc: "Bytes of log between two entries of the offset index.",
  },
  "max.compaction.lag.ms": {
    type: "long",
    defaultValue: LONG_MAX,
    least: 1,
    synonyms: ["log.cleaner.max.compaction.lag.ms"],
    doc: "How long a record may go without being compacted, however little there is to gain. Needs a closed segment.",
  },
  "max.message.bytes": {
    type: "int",
    defaultValue: "1048588",
    least: 0,
    synonyms: ["message.max.bytes"],
    doc: "Largest record batch that is accepted, as it comes and as it is stored (compressed, with its header).",
  },
  "message.timestamp.after.max.ms": {
    type: "long",
    defaultValue: "3600000",
    least: 0,
    synonyms: ["log.message.timestamp.after.max.ms"],
    doc: "How far ahead of the broker's clock a record's timestamp may be (CreateTime only).",
  },
  "message.timestamp.before.max.ms": {
    type: "long",
    defaultValue: LONG_MAX,
    least: 0,
    synonyms: ["log.message.timestamp.before.max.ms"],
    doc: "How far behind the broker's clock a record's timestamp may be (CreateTime only).",
  },
  "message.timestamp.type": {
    type: "string",
    defaultValue: "CreateTime",
    oneOf: timestampTypes,
    synonyms: ["log.message.timestamp.type"],
    doc: "Whether a record keeps its producer's timestamp or gets the time of its append.",
  },
  "min.cleanable.dirty.ratio": {
    type: "double",
    defaultValue: "0.5",
    least: 0,
    most: 1,
    synonyms: ["log.cleaner.min.cleanable.ratio"],
    doc: "Which part of a partition's closed segments must never have been compacted before they are.",
  },
  "min.compaction.lag.ms": {
    type: "long",
    defaultValue: "0",
    least: 0,
    synonyms: ["log.cleaner.min.compaction.lag.ms"],
    doc: "How long a record stays at least, superseded or not.",
  },
  "min.insync.replicas": {
    type: "int",
    defaultValue: "1",
    least: 1,
    synonyms: ["min.insync.replicas"],
    doc: "In-sync replicas needed for acks=all and for the high watermark to move. Capped by the replica count.",
  },
  "retention.bytes": {
    type: "long",
    defaultValue: "-1",
    least: -1,
    synonyms: ["log.retention.bytes"],
    doc: "Size above which a partition drops its oldest segments. -1: no limit.",
  },
  "retention.ms": {
    type: "long",
    defaultValue: "604800000",
    least: -1,
    synonyms: retentionMs,
    doc: "Age at which segments are dropped. -1: no limit.",
  },
  "segment.bytes": {
    type: "int",
    defaultValue: "1073741824",
    least: 1024,
    synonyms: ["log.segment.bytes"],
    doc: "Size at which a new segment is begun; also the largest batch a partition takes.",
  },
  "segment.index.bytes": {
    type: "int",
    defaultValue: "10485760",
    least: 24,
    synonyms: ["log.index.size.max.bytes"],
    doc: "Size of a segment's index at which a new segment is begun.",
  },
  "segment.ms": {
    type: "long",
    defaultValue: "604800000",
    least: 1,
    synonyms: rollMs,
    doc: "Age of a segment at which a new one is begun.",
  },
  "unclean.leader.election.enable": {
    type: "boolean",
    defaultValue: "false",
    synonyms: ["unclean.leader.election.enable"],
    doc: "Whether a replica that may lack acknowledged records may lead when no other is left.",
  },
});

/** A broker's key that is the default of a topic's. */
function defaultOf(topicKey: string): Draft {
  const key = topicConfigKeys.get(topicKey);
  if (key === undefined) throw new Error(`no topic key ${topicKey}`);
  const { type, defaultValue, least, most, oneOf, except, doc } = key;
  return {
    type,
    defaultValue,
    ...(least === undefined ? {} : { least }),
    ...(most === undefined ? {} : { most }),
    ...(oneOf === undefined ? {} : { oneOf }),
    ...(except === undefined ? {} : { except }),
    update: "clusterWide",
    doc: `Default of the topics' ${topicKey}. ${doc}`,
  };
}

/** Keys of a broker, by name. */
export const brokerConfigKeys: ReadonlyMap<string, ConfigKey> = table({
  "auto.create.topics.enable": {
    type: "boolean",
    defaultValue: "true",
    doc: "Whether asking for the metadata of an unknown topic creates it.",
  },
  "auto.leader.rebalance.enable": {
    type: "boolean",
    defaultValue: "true",
    doc: "Whether leadership goes back to the first replica once it is in sync again.",
  },
  "broker.session.timeout.ms": {
    type: "int",
    defaultValue: "4000",
    least: 1000,
    most: INT_MAX,
    doc: "How long the controller waits for a silent broker before it elects other leaders.",
  },
  "compression.gzip.level": defaultOf("compression.gzip.level"),
  "compression.type": defaultOf("compression.type"),
  "compression.zstd.level": defaultOf("compression.zstd.level"),
  "connections.max.idle.ms": {
    type: "long",
    defaultValue: "600000",
    least: -1,
    doc: "How long a client connection may be silent before it is closed. -1: for ever.",
  },
  "default.replication.factor": {
    type: "int",
    defaultValue: "1",
    least: 1,
    most: 32767,
    doc: "Replicas of a topic that is created without saying how many.",
  },
  "fetch.max.bytes": {
    type: "int",
    defaultValue: "57671680",
    least: 1024,
    doc: "Most bytes of records in the answer to one fetch; at least one batch is returned however big.",
  },
  "group.initial.rebalance.delay.ms": {
    type: "int",
    defaultValue: "3000",
    least: 0,
    most: INT_MAX,
    doc: "How long the first generation of a group waits for more members.",
  },
  "group.max.session.timeout.ms": {
    type: "int",
    defaultValue: "1800000",
    least: 1,
    most: INT_MAX,
    doc: "Longest session timeout that a member of a group may ask for.",
  },
  "group.max.size": {
    type: "int",
    defaultValue: "2147483647",
    least: 1,
    most: INT_MAX,
    doc: "Most members of a group.",
  },
  "group.min.session.timeout.ms": {
    type: "int",
    defaultValue: "6000",
    least: 1,
    most: INT_MAX,
    doc: "Shortest session timeout that a member of a group may ask for.",
  },
  "leader.replication.throttled.rate": {
    type: "long",
    defaultValue: LONG_MAX,
    least: 1,
    update: "perBroker",
    doc: "Bytes per second with which one broker's leaders feed replicas that are not in sync, all of them together.",
  },
  "log.cleaner.backoff.ms": {
    type: "long",
    defaultValue: "15000",
    least: 1,
    update: "clusterWide",
    doc: "How long the cleaner waits before it looks again when there was nothing to compact.",
  },
  "log.cleaner.dedupe.buffer.size": {
    type: "long",
    defaultValue: "33554432",
    least: 65536,
    most: 2 ** 32,
    update: "clusterWide",
    doc: "Most memory for the keys of one pass, 30 bytes each; taken while a pass runs, and no more than it can need.",
  },
  "log.cleaner.delete.retention.ms": defaultOf("delete.retention.ms"),
  "log.cleaner.io.max.bytes.per.second": {
    type: "double",
    defaultValue: "1.7976931348623157E308",
    least: 1,
    update: "clusterWide",
    doc: "Most bytes that the cleaner reads and writes in a second, on average over a pass.",
  },
  "log.cleaner.max.compaction.lag.ms": defaultOf("max.compaction.lag.ms"),
  "log.cleaner.min.cleanable.ratio": defaultOf("min.cleanable.dirty.ratio"),
  "log.cleaner.min.compaction.lag.ms": defaultOf("min.compaction.lag.ms"),
  "log.cleanup.policy": defaultOf("cleanup.policy"),
  "log.flush.interval.messages": defaultOf("flush.messages"),
  "log.flush.interval.ms": {
    ...defaultOf("flush.ms"),
    defaultValue: null,
    synonyms: ["log.flush.interval.ms", "log.flush.scheduler.interval.ms"],
  },
  "log.flush.scheduler.interval.ms": { ...defaultOf("flush.ms"), update: "readOnly" },
  "log.index.interval.bytes": defaultOf("index.interval.bytes"),
  "log.index.size.max.bytes": defaultOf("segment.index.bytes"),
  "log.message.timestamp.after.max.ms": defaultOf("message.timestamp.after.max.ms"),
  "log.message.timestamp.before.max.ms": defaultOf("message.timestamp.before.max.ms"),
  "log.message.timestamp.type": defaultOf("message.timestamp.type"),
  "log.retention.bytes": defaultOf("retention.bytes"),
  "log.retention.check.interval.ms": {
    type: "long",
    defaultValue: "300000",
    least: 1,
    doc: "How often segments are checked against their retention.",
  },
  "log.retention.hours": {
    type: "int",
    defaultValue: "168",
    least: -1,
    doc: "Default of the topics' retention.ms in hours, if neither minutes nor milliseconds are set.",
  },
  "log.retention.minutes": {
    type: "int",
    defaultValue: null,
    least: -1,
    synonyms: ["log.retention.minutes", ["log.retention.hours", 60]],
    doc: "Default of the topics' retention.ms in minutes, if milliseconds are not set.",
  },
  "log.retention.ms": { ...defaultOf("retention.ms"), defaultValue: null, synonyms: retentionMs },
  "log.roll.hours": {
    type: "int",
    defaultValue: "168",
    least: 1,
    doc: "Default of the topics' segment.ms in hours, if milliseconds are not set.",
  },
  "log.roll.ms": { ...defaultOf("segment.ms"), defaultValue: null, synonyms: rollMs },
  "log.segment.bytes": defaultOf("segment.bytes"),
  "log.segment.delete.delay.ms": defaultOf("file.delete.delay.ms"),
  "max.connections": {
    type: "int",
    defaultValue: "2147483647",
    least: 0,
    most: INT_MAX,
    update: "perBroker",
    doc: "Client connections one broker accepts; further ones are closed at once.",
  },
  "max.incremental.fetch.session.cache.slots": {
    type: "int",
    defaultValue: "1000",
    least: 0,
    most: INT_MAX,
    doc: "Fetch sessions that one broker keeps; consumers that find no room name every partition in every fetch.",
  },
  "message.max.bytes": defaultOf("max.message.bytes"),
  "min.insync.replicas": defaultOf("min.insync.replicas"),
  "num.partitions": {
    type: "int",
    defaultValue: "1",
    least: 1,
    most: 100_000,
    doc: "Partitions of a topic that is created without saying how many.",
  },
  "offset.metadata.max.bytes": {
    type: "int",
    defaultValue: "4096",
    least: 0,
    most: INT_MAX,
    doc: "Most bytes of text that a consumer may commit beside an offset.",
  },
  "offsets.retention.check.interval.ms": {
    type: "long",
    defaultValue: "600000",
    least: 1,
    doc: "How often committed offsets are checked against their retention.",
  },
  "offsets.retention.minutes": {
    type: "int",
    defaultValue: "10080",
    least: 1,
    most: INT_MAX,
    doc: "How long offsets stay after their group lost its last member (without members: after the commit).",
  },
  "offsets.topic.num.partitions": {
    type: "int",
    defaultValue: "50",
    least: 1,
    most: 100_000,
    doc: "Partitions of __consumer_offsets when it is created.",
  },
  "offsets.topic.replication.factor": {
    type: "int",
    defaultValue: "3",
    least: 1,
    most: 32767,
    doc: "Replicas of __consumer_offsets when it is created; groups have to wait until there are so many brokers.",
  },
  "offsets.topic.segment.bytes": {
    type: "int",
    defaultValue: "104857600",
    least: 1024,
    most: INT_MAX,
    doc: "Size of a segment of __consumer_offsets when it is created; a partition that is larger is rewritten.",
  },
  "producer.id.expiration.ms": {
    type: "int",
    defaultValue: "86400000",
    least: 1,
    doc: "How long a partition remembers an idempotent producer that has stopped writing to it.",
  },
  "replica.lag.time.max.ms": {
    type: "long",
    defaultValue: "30000",
    least: 1,
    doc: "How long a follower may lag behind its leader before it leaves the in-sync replicas.",
  },
  "replica.selector.class": {
    type: "string",
    defaultValue: "org.apache.kafka.common.replica.LeaderSelector",
    oneOf: [
      "org.apache.kafka.common.replica.LeaderSelector",
      "org.apache.kafka.common.replica.RackAwareReplicaSelector",
    ],
    doc: "Whom consumers read from: leaders only, or, where a consumer names its rack, in-sync followers in that rack.",
  },
  "socket.request.max.bytes": {
    type: "int",
    defaultValue: "104857600",
    least: 1024,
    doc: "Largest request; a connection that announces a larger one is closed.",
  },
  "unclean.leader.election.enable": defaultOf("unclean.leader.election.enable"),
  "unclean.recovery.timeout.ms": {
    type: "long",
    defaultValue: "-1",
    least: -1,
    doc:
      "How long a partition whose replicas all lost their page cache waits for the last of them before the best " +
      "one present leads. -1: until all are back or a person decides.",
  },
});
