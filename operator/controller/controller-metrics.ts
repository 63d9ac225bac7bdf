import type { Labels, Metrics, Sample } from "#base/metrics.ts";
import { NO_BROKER } from "#base/ids.ts";
import type { BrokerRow, MetadataVersion, PartitionRow } from "#contract/rows.ts";

/** A cluster whose controller runs here. */
export interface MeasuredCluster {
  readonly namespace: string;
  readonly name: string;
  /** What is looked at of a controller's status. */
  readonly status: {
    readonly condition: (typeof CONDITIONS)[number];
    readonly version: MetadataVersion;
    readonly uncleanElections: number;
    readonly brokers: readonly BrokerRow[];
    readonly topics: readonly unknown[];
    readonly partitions: readonly PartitionRow[];
    readonly deletions: readonly unknown[];
  };
}

const CONDITIONS = ["starting", "active", "storeUnreachable", "blocked", "recovering", "ended"] as const;

type Status = MeasuredCluster["status"];

const labelsOf = ({ namespace, name }: MeasuredCluster): Labels => ({
  tidemark_namespace: namespace,
  tidemark_cluster: name,
});

const countOf = <Item>(items: readonly Item[], isCounted: (item: Item) => boolean): number => {
  let count = 0;
  for (const item of items) if (isCounted(item)) count += 1;
  return count;
};

/**
 * What the controllers here know of their clusters, read when somebody asks. `namespace` and `cluster` are names that
 * Prometheus and its users give to other things: hence the longer labels.
 */
export function addControllerMetrics(metrics: Metrics, clusters: () => Iterable<MeasuredCluster>): void {
  const each = (measure: (status: Status) => number) =>
    function* (): Generator<Sample> {
      for (const cluster of clusters()) yield { labels: labelsOf(cluster), value: measure(cluster.status) };
    };
  const gauge = (name: string, help: string, measure: (status: Status) => number): void =>
    metrics.gauge(name, help, each(measure));

  metrics.gauge("tidemark_controller_condition", "1 for what the controller of a cluster is doing.", function* () {
    for (const cluster of clusters()) {
      for (const condition of CONDITIONS) {
        const value = cluster.status.condition === condition ? 1 : 0;
        yield { labels: { ...labelsOf(cluster), condition }, value };
      }
    }
  });
  gauge("tidemark_controller_epoch", "How many controllers the cluster has had.", ({ version }) =>
    Math.max(0, version.controllerEpoch),
  );
  metrics.gauge("tidemark_controller_brokers", "Registered brokers, by whether they have a session.", function* () {
    for (const cluster of clusters()) {
      const fenced = countOf(cluster.status.brokers, ({ isFenced }) => isFenced);
      yield { labels: { ...labelsOf(cluster), state: "alive" }, value: cluster.status.brokers.length - fenced };
      yield { labels: { ...labelsOf(cluster), state: "fenced" }, value: fenced };
    }
  });
  gauge("tidemark_controller_topics", "Topics.", ({ topics }) => topics.length);
  gauge("tidemark_controller_partitions", "Partitions.", ({ partitions }) => partitions.length);
  gauge("tidemark_controller_partitions_offline", "Partitions without a leader.", ({ partitions }) =>
    countOf(partitions, ({ leader }) => leader === NO_BROKER),
  );
  gauge("tidemark_controller_partitions_under_replicated", "Partitions with replicas not in sync.", ({ partitions }) =>
    countOf(partitions, ({ isr, replicas }) => isr.length < replicas.length),
  );
  gauge("tidemark_controller_partitions_under_min_isr", "Partitions that refuse acks=all.", ({ partitions }) =>
    countOf(partitions, ({ isr, minIsr }) => isr.length < minIsr),
  );
  gauge("tidemark_controller_partitions_moving", "Partitions whose replicas are being changed.", ({ partitions }) =>
    countOf(partitions, ({ adding, removing }) => adding.length + removing.length > 0),
  );
  gauge(
    "tidemark_controller_deletions",
    "Topics that are gone and whose data is not yet.",
    (status) => status.deletions.length,
  );
  metrics.countersOf(
    "tidemark_controller_unclean_elections_total",
    "Elections of replicas that may lack acknowledged records, since this controller took over.",
    each(({ uncleanElections }) => uncleanElections),
  );
}
