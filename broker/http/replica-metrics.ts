import type { Labels, Metrics, Sample } from "../base/metrics.ts";
import type { Replica, ReplicaRole } from "../replication/replica.ts";
import type { TopicTraffic } from "../replication/topic-traffic.ts";

/** What the metrics look at of a partition. */
export type MeasuredReplica = Pick<Replica, "topic" | "partition" | "role" | "rowOrNull" | "highWatermark"> & {
  readonly log: { readonly logEnd: number; readonly logStart: number; readonly sizeBytes: number };
  readonly leadership: { readonly slowestEnd: number | null } | null;
};

/** What the metrics look at of a broker. */
export interface MeasuredReplicas {
  /** Those hosted now. */
  replicas(): Iterable<MeasuredReplica>;
  traffics(): Iterable<readonly [topic: string, traffic: Readonly<TopicTraffic>]>;
}

/**
 * Partitions and topics that have series of their own on one broker. What is beyond is in the sums only, and
 * `tidemark_partitions_without_series` says how many those are.
 */
export const SERIES_MAX = { partitions: 10_000, topics: 1_000 } as const;

const ROLES: readonly ReplicaRole[] = ["leader", "follower", "opening", "offline"];

/** Gauges and counters of the partitions on this broker, read when somebody asks. */
export function addReplicaMetrics(metrics: Metrics, measured: MeasuredReplicas): void {
  addSums(metrics, measured);
  addTopics(metrics, measured);
  addPartitions(metrics, measured);
}

const isLed = (replica: MeasuredReplica): boolean => replica.role === "leader" && replica.rowOrNull !== null;

/** Records that the slowest follower of a partition led here lacks. */
function lagOf(replica: MeasuredReplica): number {
  const { log, leadership, rowOrNull } = replica;
  if (leadership === null || rowOrNull === null || rowOrNull.replicas.length < 2) return 0;
  return log.logEnd - (leadership.slowestEnd ?? log.logStart);
}

function addSums(metrics: Metrics, { replicas }: MeasuredReplicas): void {
  const sum = (name: string, help: string, measure: (replica: MeasuredReplica) => number): void =>
    metrics.gauge(name, help, () => {
      let total = 0;
      for (const replica of replicas()) total += measure(replica);
      return [{ labels: {}, value: total }];
    });
  type Row = NonNullable<MeasuredReplica["rowOrNull"]>;
  const count = (name: string, help: string, isCounted: (row: Row) => boolean): void =>
    sum(name, help, ({ role, rowOrNull: row }) => (role === "leader" && row !== null && isCounted(row) ? 1 : 0));

  metrics.gauge("tidemark_partitions", "Partitions on this broker, by what it is to them.", () => {
    const counts = new Map<ReplicaRole, number>();
    for (const { role } of replicas()) counts.set(role, (counts.get(role) ?? 0) + 1);
    return ROLES.map((role) => ({ labels: { role }, value: counts.get(role) ?? 0 }));
  });
  count(
    "tidemark_partitions_under_replicated",
    "Led here, with replicas that are not in sync.",
    (row) => row.isr.length < row.replicas.length,
  );
  count("tidemark_partitions_under_min_isr", "Led here, and refusing acks=all.", (row) => row.isr.length < row.minIsr);
  count(
    "tidemark_partitions_at_min_isr",
    "Led here, replicated, and refusing acks=all after one more loss.",
    (row) => row.isr.length === row.minIsr && row.replicas.length > row.minIsr,
  );
  sum("tidemark_partitions_offline", "On this broker, and led by nobody.", ({ rowOrNull: row }) =>
    row !== null && row.leader < 0 ? 1 : 0,
  );
  sum("tidemark_uncommitted_records", "Appended on partitions led here and not committed yet.", (replica) =>
    replica.role === "leader" ? replica.log.logEnd - replica.highWatermark : 0,
  );
  sum("tidemark_log_bytes", "Bytes of records on this broker.", ({ log }) => log.sizeBytes);
}

function addTopics(metrics: Metrics, { replicas, traffics }: MeasuredReplicas): void {
  const counter = (name: string, help: string, measure: (traffic: Readonly<TopicTraffic>) => number): void =>
    metrics.countersOf(name, help, function* () {
      let left: number = SERIES_MAX.topics;
      for (const [topic, traffic] of traffics()) {
        if (left-- === 0) return;
        yield { labels: { topic }, value: measure(traffic) };
      }
    });
  counter("tidemark_topic_bytes_in_total", "Bytes of records appended as the leader.", ({ bytesIn }) => bytesIn);
  counter("tidemark_topic_records_in_total", "Records appended as the leader.", ({ recordsIn }) => recordsIn);
  counter("tidemark_topic_bytes_out_total", "Bytes of records handed to consumers.", ({ bytesOut }) => bytesOut);
  metrics.countersOf("tidemark_topic_isr_changes_total", "Replicas that left the ISR or came back.", function* () {
    let left: number = SERIES_MAX.topics;
    for (const [topic, { isrShrinks, isrExpands }] of traffics()) {
      if (left-- === 0) return;
      yield { labels: { topic, change: "shrink" }, value: isrShrinks };
      yield { labels: { topic, change: "expand" }, value: isrExpands };
    }
  });
  metrics.gauge("tidemark_topic_log_bytes", "Bytes of a topic's records on this broker.", () => {
    const sizes = new Map<string, number>();
    for (const { topic, log } of replicas()) {
      if (sizes.has(topic) || sizes.size < SERIES_MAX.topics) sizes.set(topic, (sizes.get(topic) ?? 0) + log.sizeBytes);
    }
    return Array.from(sizes, ([topic, value]) => ({ labels: { topic }, value }));
  });
}

function addPartitions(metrics: Metrics, { replicas }: MeasuredReplicas): void {
  const gauge = (name: string, help: string, measure: (replica: MeasuredReplica) => number): void =>
    metrics.gauge(name, help, function* (): Generator<Sample> {
      let left: number = SERIES_MAX.partitions;
      for (const replica of replicas()) {
        if (!isLed(replica)) continue;
        if (left-- === 0) return;
        yield { labels: labelsOf(replica), value: measure(replica) };
      }
    });
  gauge("tidemark_partition_log_end_offset", "Next offset of a partition led here.", ({ log }) => log.logEnd);
  gauge(
    "tidemark_partition_high_watermark",
    "Offset below which everything is committed, of a partition led here.",
    ({ highWatermark }) => highWatermark,
  );
  gauge("tidemark_partition_log_start_offset", "First offset of a partition led here.", ({ log }) => log.logStart);
  gauge("tidemark_partition_lag_records", "Records that the slowest follower lacks, of a partition led here.", lagOf);
  metrics.gauge("tidemark_partitions_without_series", "Led here, and too many to have series of their own.", () => {
    let led = 0;
    for (const replica of replicas()) if (isLed(replica)) led += 1;
    return [{ labels: {}, value: Math.max(0, led - SERIES_MAX.partitions) }];
  });
}

const labelsOf = ({ topic, partition }: MeasuredReplica): Labels => ({ topic, partition: String(partition) });
