import type { KeyPlan } from "./clients/producer.ts";
import type { WorkloadPlan } from "./workload.ts";
import type { ClusterPlan } from "./world/cluster.ts";
import type { SeededRandom } from "./world/random.ts";

/** What a seed's cluster and load look like. */
export interface RunPlan {
  readonly cluster: ClusterPlan;
  readonly workload: WorkloadPlan;
}

function machinesOf(random: SeededRandom, brokerCount: number): number[] {
  // Sometimes the last broker shares the first one's machine, and with it the power.
  const isShared = random.chance(0.25);
  return Array.from({ length: brokerCount }, (_, id) => (isShared && id === brokerCount - 1 ? 0 : id));
}

/** Share of the seeds whose topic is compacted. */
const COMPACTED_SHARE = 0.18;

/** Few keys, small segments, and a cleaner that looks often; null when the topic is not compacted. */
function compactionOf(
  random: SeededRandom,
  configs: { broker: Record<string, string>; topic: Record<string, string>; deletes: boolean },
): KeyPlan | null {
  if (!random.chance(COMPACTED_SHARE)) return null;
  const { broker, topic, deletes } = configs;
  topic["cleanup.policy"] = deletes ? "compact,delete" : "compact";
  topic["segment.bytes"] = String(random.pick([16_384, 65_536]));
  topic["segment.ms"] = String(random.pick([500, 2000]));
  topic["min.cleanable.dirty.ratio"] = random.pick(["0", "0.2", "0.5"]);
  topic["delete.retention.ms"] = String(random.pick([500, 2000, 8000]));
  topic["min.compaction.lag.ms"] = random.pick(["0", "0", "2000"]);
  broker["log.cleaner.backoff.ms"] = String(random.pick([100, 500, 2000]));
  // Slowly enough, now and then, that much happens to a log while it is compacted.
  broker["log.cleaner.io.max.bytes.per.second"] = random.pick(["1000000000", "100000", "20000"]);
  return {
    count: random.pick([2, 10, 40]),
    changeMs: random.pick([300, 2000]),
    tombstoneShare: random.pick([0.05, 0.3]),
    compression: random.pick(["none", "none", "lz4", "zstd"]),
  };
}

export function planOf(random: SeededRandom): RunPlan {
  const brokerCount = random.pick([3, 3, 3, 4, 5]);
  const config: Record<string, string> = {
    "min.insync.replicas": "2",
    "default.replication.factor": "3",
    "broker.session.timeout.ms": String(random.pick([2000, 4000])),
    "replica.lag.time.max.ms": String(random.pick([500, 1000, 3000, 10_000])),
    "auto.create.topics.enable": "false",
    "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
    "auto.leader.rebalance.enable": String(random.chance(0.5)),
    "offsets.topic.num.partitions": "1",
    "offsets.topic.segment.bytes": String(random.pick([4096, 32_768, 104_857_600])),
    "group.min.session.timeout.ms": "1000",
    "group.initial.rebalance.delay.ms": String(random.pick([0, 300])),
  };
  const topicConfig: Record<string, string> = { "min.insync.replicas": "2" };
  if (random.chance(0.2)) topicConfig["flush.messages"] = "1";
  const replicationFactor = brokerCount > 3 && random.chance(0.3) ? 4 : 3;
  const firstPartitionCount = random.pick([1, 2, 2, 3]);
  const partitionCount = firstPartitionCount + (random.chance(0.4) ? random.between(1, 2) : 0);
  // Many small segments instead of one.
  if (random.chance(0.35)) {
    topicConfig["segment.bytes"] = "65536";
    topicConfig["segment.ms"] = String(random.pick([1000, 4000]));
  }
  // What is old goes, beside all else, or what people have deleted.
  const [hasRetention, hasDeletions] = [random.chance(0.15), random.chance(0.2)];
  if (hasRetention || hasDeletions) {
    topicConfig["segment.bytes"] = "65536";
    config["log.retention.check.interval.ms"] = String(random.pick([300, 2000]));
  }
  if (hasRetention) topicConfig["retention.bytes"] = String(random.pick([66_000, 140_000]));
  const machineOf = machinesOf(random, brokerCount);
  const keys = compactionOf(random, { broker: config, topic: topicConfig, deletes: hasRetention || hasDeletions });
  // As it is by default: followers hear of high watermarks later then, for nobody waits for them there.
  if (random.chance(0.25)) delete config["replica.selector.class"];
  const volatileTopic = { name: "scratch", partitionCount: 1, firstPartitionCount: 1, replicationFactor: 2 };
  return {
    cluster: { brokerCount, machineOf, config },
    workload: {
      topics: [{ name: "orders", partitionCount, firstPartitionCount, replicationFactor, config: topicConfig, keys }],
      volatileTopic: { ...volatileTopic, config: {}, keys: null },
      intervalMs: 130 * partitionCount,
      hasDeletions,
    },
  };
}
