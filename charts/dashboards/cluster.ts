import { board, clusterVariables, graph, ofCluster, ofController, quantileOf, stat } from "./kit.ts";

const c = ofCluster();
const produceBuckets = `tidemark_kafka_request_duration_seconds_bucket${ofCluster('api="Produce"')}`;

const now = [
  stat({
    title: "Brokers alive",
    description: "Brokers that have a session with the controller.",
    query: `max(tidemark_controller_brokers${ofController('state="alive"')})`,
  }),
  stat({
    title: "Offline",
    description: "Partitions without a leader. Runbook: tidemark-partitions-offline.",
    query: `max(tidemark_controller_partitions_offline${ofController()})`,
    badFrom: 1,
  }),
  stat({
    title: "Under min ISR",
    description: "Partitions that refuse acks=all. Runbook: tidemark-partitions-under-min-isr.",
    query: `sum(tidemark_partitions_under_min_isr${c})`,
    badFrom: 1,
  }),
  stat({
    title: "Under-replicated",
    description: "Partitions with replicas that are not in sync.",
    query: `sum(tidemark_partitions_under_replicated${c})`,
    badFrom: 1,
  }),
  stat({
    title: "Unclean elections",
    description: "In the last day: each may have cost acknowledged records.",
    query: `max(increase(tidemark_controller_unclean_elections_total${ofController()}[1d]))`,
    badFrom: 1,
  }),
  stat({
    title: "Disk left",
    description: "On the fullest disk.",
    unit: "percentunit",
    query: `min(tidemark_disk_free_bytes${c} / tidemark_disk_bytes${c})`,
    goodFrom: 0.15,
  }),
];

const traffic = [
  graph({
    title: "Bytes per second",
    description: "Of records: appended by leaders, handed to consumers.",
    unit: "Bps",
    lines: [
      { query: `sum(rate(tidemark_topic_bytes_in_total${c}[$__rate_interval]))`, legend: "in" },
      { query: `sum(rate(tidemark_topic_bytes_out_total${c}[$__rate_interval]))`, legend: "out" },
    ],
  }),
  graph({
    title: "Records per second",
    description: "Appended by leaders, the ten busiest topics.",
    unit: "cps",
    lines: [
      {
        query: `topk(10, sum by (topic) (rate(tidemark_topic_records_in_total${c}[$__rate_interval])))`,
        legend: "{{topic}}",
      },
    ],
  }),
  graph({
    title: "Produce latency",
    description: "From a request's last byte to its answer: with acks=all until it is on every in-sync replica.",
    unit: "s",
    lines: [0.5, 0.99].map((quantile) => ({
      query: quantileOf(quantile, { by: "le", buckets: produceBuckets }),
      legend: `p${quantile * 100}`,
    })),
  }),
  graph({
    title: "Errors per second",
    description: "Answers that say an error, by API and error. NOT_LEADER_OR_FOLLOWER is ordinary after an election.",
    unit: "cps",
    lines: [
      {
        query: `sum by (api, error) (rate(tidemark_kafka_request_errors_total${c}[$__rate_interval]))`,
        legend: "{{api}} {{error}}",
      },
    ],
  }),
];

const replication = [
  graph({
    title: "ISR changes",
    description: "Replicas that left the ISR and that came back.",
    lines: [
      {
        query: `sum by (change) (increase(tidemark_topic_isr_changes_total${c}[$__rate_interval]))`,
        legend: "{{change}}",
      },
    ],
  }),
  graph({
    title: "Partitions by state",
    description: "Of partitions that somebody leads.",
    lines: [
      { query: `sum(tidemark_partitions_under_replicated${c})`, legend: "under-replicated" },
      { query: `sum(tidemark_partitions_at_min_isr${c})`, legend: "at min ISR" },
      { query: `sum(tidemark_partitions_under_min_isr${c})`, legend: "under min ISR" },
    ],
  }),
  graph({
    title: "Leaders by broker",
    description: "Partitions that each broker leads.",
    lines: [{ query: `sum by (pod) (tidemark_partitions${ofCluster('role="leader"')})`, legend: "{{pod}}" }],
  }),
  graph({
    title: "Bytes on disk by broker",
    description: "Of records.",
    unit: "bytes",
    lines: [{ query: `sum by (pod) (tidemark_log_bytes${c})`, legend: "{{pod}}" }],
  }),
];

export const cluster = board(
  { uid: "tidemark-cluster", title: "Tidemark: cluster", description: "Is the log well, and what goes through it?" },
  clusterVariables,
  [
    { title: "Now", panels: now },
    { title: "Traffic", panels: traffic },
    { title: "Replication", panels: replication },
  ],
);
