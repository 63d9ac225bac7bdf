import { board, clusterVariables, graph, ofCluster, quantileOf, stat } from "./kit.ts";

const b = ofCluster('pod=~"$pod"');

const now = [
  stat({
    title: "With a controller",
    description: "Brokers whose session with the controller stands.",
    query: `sum(tidemark_has_controller${b})`,
  }),
  stat({
    title: "Leaders",
    description: "Partitions led by the chosen brokers.",
    query: `sum(tidemark_partitions${ofCluster('pod=~"$pod",role="leader"')})`,
  }),
  stat({
    title: "Offline",
    description: "Partitions on these brokers that nobody leads.",
    query: `max(tidemark_partitions_offline${b})`,
    badFrom: 1,
  }),
  stat({
    title: "Connections",
    description: "Of Kafka clients.",
    query: `sum(tidemark_kafka_connections${b})`,
  }),
  stat({
    title: "Disk left",
    description: "On the fullest disk.",
    unit: "percentunit",
    query: `min(tidemark_disk_free_bytes${b} / tidemark_disk_bytes${b})`,
    goodFrom: 0.15,
  }),
  stat({
    title: "Up since",
    description: "The youngest process.",
    unit: "dateTimeFromNow",
    query: `max(process_start_time_seconds${b}) * 1000`,
  }),
];

const requests = [
  graph({
    title: "Requests per second",
    description: "By API.",
    unit: "reqps",
    lines: [
      {
        query: `sum by (api) (rate(tidemark_kafka_request_duration_seconds_count${b}[$__rate_interval]))`,
        legend: "{{api}}",
      },
    ],
  }),
  graph({
    title: "Latency, p99",
    description: "By API. A fetch waits for records, for as long as its client asks for.",
    unit: "s",
    lines: [
      {
        query: quantileOf(0.99, { by: "api, le", buckets: `tidemark_kafka_request_duration_seconds_bucket${b}` }),
        legend: "{{api}}",
      },
    ],
  }),
  graph({
    title: "Errors per second",
    description: "By API and error.",
    unit: "cps",
    lines: [
      {
        query: `sum by (api, error) (rate(tidemark_kafka_request_errors_total${b}[$__rate_interval]))`,
        legend: "{{api}} {{error}}",
      },
    ],
  }),
  graph({
    title: "Bytes on the Kafka port",
    description: "By direction. Replication has a port of its own.",
    unit: "Bps",
    lines: [
      {
        query: `sum by (pod, direction) (rate(tidemark_kafka_bytes_total${b}[$__rate_interval]))`,
        legend: "{{pod}} {{direction}}",
      },
    ],
  }),
  graph({
    title: "Connections refused",
    description: "For bad input, or over a limit.",
    lines: [
      {
        query: `sum by (pod) (increase(tidemark_kafka_refused_connections_total${b}[$__rate_interval]))`,
        legend: "{{pod}}",
      },
    ],
  }),
  graph({
    title: "Fetch sessions",
    description: "Of consumers, and the partitions in them. Those that made room for others had to begin anew.",
    lines: [
      { query: `sum by (pod) (tidemark_fetch_sessions${b})`, legend: "{{pod}} sessions" },
      { query: `sum by (pod) (tidemark_fetch_session_partitions${b})`, legend: "{{pod}} partitions" },
      {
        query: `sum by (pod) (increase(tidemark_fetch_session_evictions_total${b}[$__rate_interval]))`,
        legend: "{{pod}} evictions",
      },
    ],
  }),
  graph({
    title: "Records not committed",
    description: "Appended by this leader, not yet on every in-sync replica.",
    lines: [{ query: `sum by (pod) (tidemark_uncommitted_records${b})`, legend: "{{pod}}" }],
  }),
];

/** Empty where the HTTP API is not served. */
const http = [
  graph({
    title: "HTTP requests per second",
    description: "By page and status; of a stream at its end.",
    unit: "reqps",
    lines: [
      {
        query: `sum by (method, route, status) (rate(tidemark_http_requests_total${b}[$__rate_interval]))`,
        legend: "{{method}} {{route}} {{status}}",
      },
    ],
  }),
  graph({
    title: "Records over HTTP",
    description: "Appended and shown, per second.",
    unit: "cps",
    lines: [
      {
        query: `sum by (pod, direction) (rate(tidemark_http_records_total${b}[$__rate_interval]))`,
        legend: "{{pod}} {{direction}}",
      },
    ],
  }),
  graph({
    title: "Bytes over HTTP",
    description: "Of records.",
    unit: "Bps",
    lines: [
      {
        query: `sum by (pod, direction) (rate(tidemark_http_bytes_total${b}[$__rate_interval]))`,
        legend: "{{pod}} {{direction}}",
      },
    ],
  }),
  graph({
    title: "Appending over HTTP, p99",
    description: "From the whole request to the acknowledgement of every in-sync replica.",
    unit: "s",
    lines: [
      {
        query: quantileOf(0.99, { by: "pod, le", buckets: `tidemark_http_produce_duration_seconds_bucket${b}` }),
        legend: "{{pod}}",
      },
    ],
  }),
  graph({
    title: "Readers over HTTP",
    description: "Open streams, and those closed because they took nothing for a minute.",
    lines: [
      { query: `sum by (pod) (tidemark_http_readers${b})`, legend: "{{pod}} open" },
      {
        query: `sum by (pod) (increase(tidemark_http_stalled_readers_total${b}[$__rate_interval]))`,
        legend: "{{pod}} stalled",
      },
    ],
  }),
];

const resources = [
  graph({
    title: "Event loop's delay, p99",
    description: "How late timers fire: for so long everything on the broker waits.",
    unit: "s",
    lines: [
      {
        query: quantileOf(0.99, { by: "pod, le", buckets: `tidemark_event_loop_delay_seconds_bucket${b}` }),
        legend: "{{pod}}",
      },
    ],
  }),
  graph({
    title: "Processors",
    description: "In use.",
    lines: [{ query: `sum by (pod) (rate(process_cpu_seconds_total${b}[$__rate_interval]))`, legend: "{{pod}}" }],
  }),
  graph({
    title: "Memory",
    description: "Resident, and of it the heap.",
    unit: "bytes",
    lines: [
      { query: `sum by (pod) (process_resident_memory_bytes${b})`, legend: "{{pod}} resident" },
      { query: `sum by (pod) (process_heap_bytes${b})`, legend: "{{pod}} heap" },
    ],
  }),
  graph({
    title: "Bytes on disk",
    description: "Of records.",
    unit: "bytes",
    lines: [{ query: `sum by (pod) (tidemark_log_bytes${b})`, legend: "{{pod}}" }],
  }),
];

const compaction = [
  graph({
    title: "Waiting to be compacted",
    description: "Never compacted part of the partition that needs it most.",
    unit: "percentunit",
    lines: [{ query: `max by (pod) (tidemark_cleaner_max_dirty_ratio${b})`, legend: "{{pod}}" }],
  }),
  graph({
    title: "Bytes compacted",
    description: "Read, and by how much logs became smaller.",
    unit: "Bps",
    lines: [
      {
        query: `sum by (pod) (rate(tidemark_cleaner_read_bytes_total${b}[$__rate_interval]))`,
        legend: "{{pod}} read",
      },
      {
        query: `sum by (pod) (rate(tidemark_cleaner_removed_bytes_total${b}[$__rate_interval]))`,
        legend: "{{pod}} removed",
      },
    ],
  }),
  graph({
    title: "Passes",
    description: "Partitions compacted, and those that could not be.",
    lines: [
      { query: `sum by (pod) (increase(tidemark_cleaner_runs_total${b}[$__rate_interval]))`, legend: "{{pod}}" },
      {
        query: `sum by (pod) (increase(tidemark_cleaner_failures_total${b}[$__rate_interval]))`,
        legend: "{{pod}} failed",
      },
    ],
  }),
  graph({
    title: "Uncleanable",
    description: "Partitions left alone for a while since a pass failed: the broker's log says why.",
    lines: [{ query: `sum by (pod) (tidemark_cleaner_uncleanable_partitions${b})`, legend: "{{pod}}" }],
  }),
];

export const broker = board(
  { uid: "tidemark-broker", title: "Tidemark: broker", description: "Requests and resources of brokers." },
  [
    ...clusterVariables,
    { name: "pod", label: "Broker", query: `label_values(tidemark_partitions${ofCluster()}, pod)`, isMany: true },
  ],
  [
    { title: "Now", panels: now },
    { title: "Requests", panels: requests },
    { title: "HTTP API", panels: http },
    { title: "Resources", panels: resources },
    { title: "Compaction", panels: compaction },
  ],
);
