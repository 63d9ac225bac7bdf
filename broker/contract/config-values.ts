import { assert } from "../base/assert.ts";
import { brokerConfigKeys, type ConfigKey, type ConfigType, topicConfigKeys } from "./config-keys.ts";
import type { ConfigChange } from "./control.ts";

/** Configuration as it is set: Kafka's keys and string values. */
export type ConfigMap = Readonly<Record<string, string>>;

/** What was set on brokers, from the narrowest layer to the widest. Absent layers are `{}`. */
export interface BrokerConfigLayers {
  /** Dynamic, on one broker. */
  readonly broker: ConfigMap;
  /** Dynamic, on all brokers. */
  readonly cluster: ConfigMap;
  /** What the brokers were started with. */
  readonly static: ConfigMap;
}

export const NO_BROKER_CONFIG: BrokerConfigLayers = { broker: {}, cluster: {}, static: {} };

/** How batches are stored. */
export type CompressionType = "producer" | "uncompressed" | "gzip" | "snappy" | "lz4" | "zstd";

/** What is in force for one topic. Numbers beyond 2^53−1 are given as 2^53−1; −1 in a retention is "no limit". */
export interface TopicConfig {
  readonly compressionGzipLevel: number;
  readonly compressionType: CompressionType;
  readonly compressionZstdLevel: number;
  /** `cleanup.policy` names `compact`; `delete`. */
  readonly isCompacted: boolean;
  readonly deletesOld: boolean;
  readonly deleteRetentionMs: number;
  readonly fileDeleteDelayMs: number;
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly indexIntervalBytes: number;
  readonly maxCompactionLagMs: number;
  readonly maxMessageBytes: number;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly timestampAfterMaxMs: number;
  readonly timestampBeforeMaxMs: number;
  readonly timestampType: "CreateTime" | "LogAppendTime";
  readonly minInsyncReplicas: number;
  readonly retentionBytes: number;
  readonly retentionMs: number;
  readonly segmentBytes: number;
  readonly segmentIndexBytes: number;
  readonly segmentMs: number;
  readonly uncleanLeaderElectionEnable: boolean;
}

/** What is in force for one broker, apart from the defaults of topics. */
export interface BrokerConfig {
  readonly autoCreateTopicsEnable: boolean;
  readonly autoLeaderRebalanceEnable: boolean;
  readonly brokerSessionTimeoutMs: number;
  readonly connectionsMaxIdleMs: number;
  readonly defaultReplicationFactor: number;
  readonly fetchMaxBytes: number;
  readonly fetchSessionSlots: number;
  readonly groupInitialRebalanceDelayMs: number;
  readonly groupSessionTimeoutMaxMs: number;
  readonly groupMaxSize: number;
  readonly groupSessionTimeoutMinMs: number;
  readonly leaderReplicationThrottledRate: number;
  readonly logCleanerBackoffMs: number;
  readonly logCleanerDedupeBufferBytes: number;
  readonly logCleanerIoBytesPerSecondMax: number;
  readonly logRetentionCheckIntervalMs: number;
  readonly maxConnections: number;
  readonly minInsyncReplicas: number;
  readonly numPartitions: number;
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  readonly offsetsRetentionMinutes: number;
  readonly offsetsTopicPartitions: number;
  readonly offsetsTopicReplicationFactor: number;
  readonly offsetsTopicSegmentBytes: number;
  readonly producerIdExpirationMs: number;
  readonly replicaLagTimeMaxMs: number;
  readonly replicaSelector: "leader" | "rackAware";
  readonly socketRequestMaxBytes: number;
  readonly uncleanLeaderElectionEnable: boolean;
  readonly uncleanRecoveryTimeoutMs: number;
}

export function effectiveTopicConfig(topic: ConfigMap, layers: BrokerConfigLayers): TopicConfig {
  const text = (name: string): string => topicValue(name, topic, layers);
  const number = (name: string): number => saturated(text(name));
  const policies = listElements(text("cleanup.policy"));
  return {
    compressionGzipLevel: number("compression.gzip.level"),
    // Validated when it was set.
    compressionType: text("compression.type") as CompressionType,
    compressionZstdLevel: number("compression.zstd.level"),
    isCompacted: policies.includes("compact"),
    deletesOld: policies.includes("delete"),
    deleteRetentionMs: number("delete.retention.ms"),
    fileDeleteDelayMs: number("file.delete.delay.ms"),
    flushMessages: number("flush.messages"),
    flushMs: number("flush.ms"),
    indexIntervalBytes: number("index.interval.bytes"),
    maxCompactionLagMs: number("max.compaction.lag.ms"),
    maxMessageBytes: number("max.message.bytes"),
    minCleanableDirtyRatio: number("min.cleanable.dirty.ratio"),
    minCompactionLagMs: number("min.compaction.lag.ms"),
    timestampAfterMaxMs: number("message.timestamp.after.max.ms"),
    timestampBeforeMaxMs: number("message.timestamp.before.max.ms"),
    timestampType: text("message.timestamp.type") === "LogAppendTime" ? "LogAppendTime" : "CreateTime",
    minInsyncReplicas: number("min.insync.replicas"),
    retentionBytes: number("retention.bytes"),
    retentionMs: number("retention.ms"),
    segmentBytes: number("segment.bytes"),
    segmentIndexBytes: number("segment.index.bytes"),
    segmentMs: number("segment.ms"),
    uncleanLeaderElectionEnable: isTrue(text("unclean.leader.election.enable")),
  };
}

export function effectiveBrokerConfig(layers: BrokerConfigLayers): BrokerConfig {
  const number = (name: string): number => saturated(brokerValue(name, layers));
  const boolean = (name: string): boolean => isTrue(brokerValue(name, layers));
  return {
    autoCreateTopicsEnable: boolean("auto.create.topics.enable"),
    autoLeaderRebalanceEnable: boolean("auto.leader.rebalance.enable"),
    brokerSessionTimeoutMs: number("broker.session.timeout.ms"),
    connectionsMaxIdleMs: number("connections.max.idle.ms"),
    defaultReplicationFactor: number("default.replication.factor"),
    fetchMaxBytes: number("fetch.max.bytes"),
    fetchSessionSlots: number("max.incremental.fetch.session.cache.slots"),
    groupInitialRebalanceDelayMs: number("group.initial.rebalance.delay.ms"),
    groupSessionTimeoutMaxMs: number("group.max.session.timeout.ms"),
    groupMaxSize: number("group.max.size"),
    groupSessionTimeoutMinMs: number("group.min.session.timeout.ms"),
    leaderReplicationThrottledRate: number("leader.replication.throttled.rate"),
    logCleanerBackoffMs: number("log.cleaner.backoff.ms"),
    logCleanerDedupeBufferBytes: number("log.cleaner.dedupe.buffer.size"),
    logCleanerIoBytesPerSecondMax: number("log.cleaner.io.max.bytes.per.second"),
    logRetentionCheckIntervalMs: number("log.retention.check.interval.ms"),
    maxConnections: number("max.connections"),
    minInsyncReplicas: number("min.insync.replicas"),
    numPartitions: number("num.partitions"),
    offsetMetadataMaxBytes: number("offset.metadata.max.bytes"),
    offsetsRetentionCheckIntervalMs: number("offsets.retention.check.interval.ms"),
    offsetsRetentionMinutes: number("offsets.retention.minutes"),
    offsetsTopicPartitions: number("offsets.topic.num.partitions"),
    offsetsTopicReplicationFactor: number("offsets.topic.replication.factor"),
    offsetsTopicSegmentBytes: number("offsets.topic.segment.bytes"),
    producerIdExpirationMs: number("producer.id.expiration.ms"),
    replicaLagTimeMaxMs: number("replica.lag.time.max.ms"),
    replicaSelector: brokerValue("replica.selector.class", layers).endsWith(".LeaderSelector") ? "leader" : "rackAware",
    socketRequestMaxBytes: number("socket.request.max.bytes"),
    uncleanLeaderElectionEnable: boolean("unclean.leader.election.enable"),
    uncleanRecoveryTimeoutMs: number("unclean.recovery.timeout.ms"),
  };
}

/** null, or one line that says which setting of a topic is wrong and why. */
export const validateTopicConfig = (config: ConfigMap): string | null =>
  firstProblem(config, (name, value) => {
    const key = topicConfigKeys.get(name);
    return key === undefined ? `unknown topic config ${name}` : problemOf(key, value);
  }) ?? lagProblem(config);

function lagProblem(config: ConfigMap): string | null {
  const [least, most] = [config["min.compaction.lag.ms"], config["max.compaction.lag.ms"]];
  if (least === undefined || most === undefined || saturated(least) <= saturated(most)) return null;
  return `invalid value "${least}" for min.compaction.lag.ms: it is at most max.compaction.lag.ms, which is ${most}`;
}

/** The same for what brokers are started with. */
export const validateStaticConfig = (config: ConfigMap): string | null =>
  firstProblem(config, (name, value) => {
    const key = brokerConfigKeys.get(name);
    return key === undefined ? `unknown broker config ${name}` : problemOf(key, value);
  });

/** The same for what is set on running brokers: on all of them (`broker` "") or on one. */
export const validateDynamicBrokerConfig = (config: ConfigMap, broker: string): string | null =>
  firstProblem(config, (name, value) => {
    const key = brokerConfigKeys.get(name);
    if (key === undefined) return `unknown broker config ${name}`;
    if (key.update === "readOnly") return `${name} cannot be changed while brokers run; set it in the cluster's config`;
    if (key.update === "clusterWide" && broker !== "") {
      return `${name} can be set for all brokers at once only (broker name "")`;
    }
    return problemOf(key, value);
  });

function firstProblem(config: ConfigMap, check: (name: string, value: string) => string | null): string | null {
  for (const name of Object.keys(config).sort()) {
    const problem = check(name, config[name]!);
    if (problem !== null) return problem;
  }
  return null;
}

const LONG_MIN = -(2n ** 63n);
const LONG_MAX = 2n ** 63n - 1n;

function problemOf(key: ConfigKey, value: string): string | null {
  const invalid = (why: string): string => `invalid value ${JSON.stringify(value)} for ${key.name}: ${why}`;
  const allowed = key.oneOf;
  switch (key.type) {
    case "boolean":
      return /^(true|false)$/i.test(value.trim()) ? null : invalid("it is true or false");
    case "string":
      return allowed === undefined || allowed.includes(value) ? null : invalid(`it is one of ${allowed.join(", ")}`);
    case "list": {
      const elements = listElements(value);
      if (elements.length === 0) return invalid("it names at least one of its elements");
      const isAllowed = allowed === undefined || elements.every((element) => allowed.includes(element));
      return isAllowed ? null : invalid(`each element is one of ${allowed.join(", ")}`);
    }
    case "int":
    case "long":
      return numberProblem(key, value, invalid);
    case "double":
      return doubleProblem(key, value, invalid);
  }
}

function numberProblem(key: ConfigKey, value: string, invalid: (why: string) => string): string | null {
  const digits = value.trim();
  if (!/^[+-]?\d{1,19}$/.test(digits)) return invalid("it is a whole number");
  const number = BigInt(digits);
  const typeLeast = key.type === "int" ? -(2n ** 31n) : LONG_MIN;
  const typeMost = key.type === "int" ? 2n ** 31n - 1n : LONG_MAX;
  const least = key.least === undefined ? typeLeast : BigInt(key.least);
  const most = key.most === undefined ? typeMost : BigInt(key.most);
  if (number < least) return invalid(`it is at least ${least}`);
  if (number > most) return invalid(`it is at most ${most}`);
  return key.except !== undefined && number === BigInt(key.except) ? invalid(`it is not ${key.except}`) : null;
}

function doubleProblem(key: ConfigKey, value: string, invalid: (why: string) => string): string | null {
  const number = Number(value.trim());
  if (value.trim() === "" || !Number.isFinite(number)) return invalid("it is a number");
  if (key.least !== undefined && number < key.least) return invalid(`it is at least ${key.least}`);
  return key.most !== undefined && number > key.most ? invalid(`it is at most ${key.most}`) : null;
}

const listElements = (value: string): string[] =>
  value
    .split(",")
    .map((element) => element.trim())
    .filter((element) => element !== "");

/** The value as it is stored: the form in which Kafka shows it. */
function canonical(key: ConfigKey, value: string): string {
  switch (key.type) {
    case "boolean":
      return value.trim().toLowerCase();
    case "int":
    case "long":
      return BigInt(value.trim().replace(/^\+/, "")).toString();
    case "double":
      return value.trim();
    case "list":
      return listElements(value).join(",");
    case "string":
      return value;
  }
}

/** What became of a list of changes: the new map, or one line that says what is wrong; then nothing is changed. */
export type ConfigOutcome =
  | { readonly kind: "changed"; readonly config: ConfigMap }
  | { readonly kind: "refused"; readonly reason: string };

/**
 * Applies incremental changes (KIP-339) to what is set on a topic or on brokers. Append and subtract exist for lists
 * only, and start from the key's default where nothing is set. What changed is validated.
 */
export function changeConfig(
  current: ConfigMap,
  changes: readonly ConfigChange[],
  resource: { readonly kind: "topic" | "broker"; readonly name: string },
): ConfigOutcome {
  const keys = resource.kind === "topic" ? topicConfigKeys : brokerConfigKeys;
  const next: Record<string, string> = { ...current };
  const seen = new Set<string>();
  for (const change of changes) {
    if (seen.has(change.key)) return refused(`config ${change.key} is named twice`);
    seen.add(change.key);
    const key = keys.get(change.key);
    if (key === undefined) return refused(`unknown ${resource.kind} config ${change.key}`);
    const problem = changeOne(next, key, change);
    if (problem !== null) return refused(problem);
  }
  const changed = Object.fromEntries(Object.entries(next).filter(([name]) => seen.has(name)));
  const problem =
    resource.kind === "topic"
      ? (validateTopicConfig(changed) ?? lagProblem(next))
      : validateDynamicBrokerConfig(changed, resource.name);
  if (problem !== null) return refused(problem);
  if (resource.kind === "topic" && isRewritten(resource.name) && isCompactedBy(changed)) {
    return refused(`${resource.name} is not compacted by cleanup.policy: its coordinators rewrite it`);
  }
  for (const name of Object.keys(changed)) next[name] = canonical(keys.get(name)!, changed[name]!);
  return { kind: "changed", config: next };
}

/** Topics whose writers keep only what stands: docs/adr/0014. */
const isRewritten = (topic: string): boolean => topic === "__consumer_offsets";

const isCompactedBy = (config: ConfigMap): boolean => listElements(config["cleanup.policy"] ?? "").includes("compact");

const refused = (reason: string): ConfigOutcome => ({ kind: "refused", reason });

function changeOne(config: Record<string, string>, key: ConfigKey, change: ConfigChange): string | null {
  if (change.operation === "delete") {
    delete config[key.name];
    return null;
  }
  if (change.value === null) return `no value given for ${key.name}`;
  if (change.operation === "set") {
    config[key.name] = change.value;
    return null;
  }
  if (key.type !== "list") return `${key.name} is no list: it can be set and deleted only`;
  const before = listElements(config[key.name] ?? key.defaultValue ?? "");
  const given = listElements(change.value);
  const after =
    change.operation === "append"
      ? [...before, ...given.filter((element) => !before.includes(element))]
      : before.filter((element) => !given.includes(element));
  config[key.name] = after.join(",");
  return null;
}

/** Where a value comes from; the numbers are Kafka's on the wire. */
export const configSources = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
} as const;
export type ConfigSource = (typeof configSources)[keyof typeof configSources];

export interface ConfigSetting {
  readonly name: string;
  readonly value: string;
  readonly source: ConfigSource;
}

/** One key as DescribeConfigs shows it. `synonyms`: every place that speaks about it, the one in force first. */
export interface DescribedConfig extends ConfigSetting {
  readonly key: ConfigKey;
  readonly isReadOnly: boolean;
  readonly synonyms: readonly ConfigSetting[];
}

/** Every key of a topic. */
export function describeTopicConfig(topic: ConfigMap, layers: BrokerConfigLayers): DescribedConfig[] {
  return [...topicConfigKeys.values()].map((key) => {
    const own = topic[key.name];
    const settings: ConfigSetting[] =
      own === undefined ? [] : [{ name: key.name, value: own, source: configSources.topic }];
    for (const { key: name } of key.synonyms) settings.push(...brokerSettings(name, layers));
    const value = topicValue(key.name, topic, layers);
    const source = settings[0]?.source ?? configSources.default;
    return { key, name: key.name, value, source, isReadOnly: false, synonyms: settings };
  });
}

/**
 * Every key of a broker, or, for the default of all brokers, only what was set there (`broker` "").
 */
export function describeBrokerConfig(broker: string, layers: BrokerConfigLayers): DescribedConfig[] {
  const keys = [...brokerConfigKeys.values()];
  if (broker === "") {
    return keys
      .filter((key) => layers.cluster[key.name] !== undefined)
      .map((key) => {
        const setting = {
          name: key.name,
          value: layers.cluster[key.name]!,
          source: configSources.dynamicDefaultBroker,
        };
        return { ...setting, key, isReadOnly: false, synonyms: [setting] };
      });
  }
  return keys.map((key) => {
    const names = key.synonyms.length > 0 ? key.synonyms.map((synonym) => synonym.key) : [key.name];
    const settings = names.flatMap((name) => brokerSettings(name, layers));
    const source = settings[0]?.source ?? configSources.default;
    const isReadOnly = key.update === "readOnly";
    return { key, name: key.name, value: brokerValue(key.name, layers), source, isReadOnly, synonyms: settings };
  });
}

/** Number of a type in DescribeConfigs. */
export const configTypeNumbers: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  long: 5,
  double: 6,
  list: 7,
};

function brokerSettings(name: string, layers: BrokerConfigLayers): ConfigSetting[] {
  const settings: ConfigSetting[] = [];
  const add = (value: string | null | undefined, source: ConfigSource): void => {
    if (value !== undefined && value !== null) settings.push({ name, value, source });
  };
  add(layers.broker[name], configSources.dynamicBroker);
  add(layers.cluster[name], configSources.dynamicDefaultBroker);
  add(layers.static[name], configSources.staticBroker);
  add(brokerConfigKeys.get(name)?.defaultValue, configSources.default);
  return settings;
}

function topicValue(name: string, topic: ConfigMap, layers: BrokerConfigLayers): string {
  const key = topicConfigKeys.get(name);
  assert(key !== undefined, `topic key ${name} exists`);
  return topic[name] ?? firstSynonym(key, layers);
}

function brokerValue(name: string, layers: BrokerConfigLayers): string {
  const key = brokerConfigKeys.get(name);
  assert(key !== undefined, `broker key ${name} exists`);
  return key.synonyms.length > 0 ? firstSynonym(key, layers) : plainBrokerValue(key, layers)!;
}

const plainBrokerValue = (key: ConfigKey, { broker, cluster, static: started }: BrokerConfigLayers): string | null =>
  broker[key.name] ?? cluster[key.name] ?? started[key.name] ?? key.defaultValue;

function firstSynonym(key: ConfigKey, layers: BrokerConfigLayers): string {
  for (const synonym of key.synonyms) {
    const speaker = brokerConfigKeys.get(synonym.key);
    assert(speaker !== undefined, `synonym ${synonym.key} of ${key.name} exists`);
    const value = plainBrokerValue(speaker, layers);
    if (value === null) continue;
    // −1 is "no limit" in every unit.
    return synonym.factor === 1 || value === "-1" ? value : String(saturated(value) * synonym.factor);
  }
  assert(false, `the last synonym of ${key.name} has a default`);
}

const isTrue = (value: string): boolean => value.trim().toLowerCase() === "true";

function saturated(value: string): number {
  const number = Number(value);
  assert(!Number.isNaN(number), `config value ${value} was validated`);
  return Math.max(-Number.MAX_SAFE_INTEGER, Math.min(Number.MAX_SAFE_INTEGER, number));
}
