import { board, clusterVariables, graph, ofCluster, stat } from "./kit.ts";

const t = ofCluster('topic=~"$topic"');

const now = [
  stat({
    title: "Partitions",
    description: "Led by somebody, of the chosen topics.",
    query: `count(tidemark_partition_log_end_offset${t})`,
  }),
  stat({
    title: "Records kept",
    description: "Offsets between the first and the next one.",
    query: `sum(tidemark_partition_log_end_offset${t} - tidemark_partition_log_start_offset${t})`,
  }),
  stat({
    title: "Not committed yet",
    description: "Records beyond the high watermark.",
    query: `sum(tidemark_partition_log_end_offset${t} - tidemark_partition_high_watermark${t})`,
  }),
  stat({
    title: "Lag",
    description: "Records that the slowest follower of any partition lacks.",
    query: `max(tidemark_partition_lag_records${t})`,
  }),
];

const traffic = [
  graph({
    title: "Bytes in per second",
    description: "Appended by leaders.",
    unit: "Bps",
    lines: [
      { query: `sum by (topic) (rate(tidemark_topic_bytes_in_total${t}[$__rate_interval]))`, legend: "{{topic}}" },
    ],
  }),
  graph({
    title: "Bytes out per second",
    description: "Handed to consumers.",
    unit: "Bps",
    lines: [
      { query: `sum by (topic) (rate(tidemark_topic_bytes_out_total${t}[$__rate_interval]))`, legend: "{{topic}}" },
    ],
  }),
  graph({
    title: "Records in per second",
    description: "Appended by leaders.",
    unit: "cps",
    lines: [
      { query: `sum by (topic) (rate(tidemark_topic_records_in_total${t}[$__rate_interval]))`, legend: "{{topic}}" },
    ],
  }),
  graph({
    title: "Bytes on disk",
    description: "All replicas together.",
    unit: "bytes",
    lines: [{ query: `sum by (topic) (tidemark_topic_log_bytes${t})`, legend: "{{topic}}" }],
  }),
];

const partitions = [
  graph({
    title: "Log end offset",
    description: "Next offset of each partition.",
    lines: [{ query: `tidemark_partition_log_end_offset${t}`, legend: "{{topic}}-{{partition}}" }],
  }),
  graph({
    title: "High watermark",
    description: "Offset below which everything is committed.",
    lines: [{ query: `tidemark_partition_high_watermark${t}`, legend: "{{topic}}-{{partition}}" }],
  }),
  graph({
    title: "Lag of the slowest follower",
    description: "Records, the ten partitions that lag most.",
    lines: [{ query: `topk(10, tidemark_partition_lag_records${t})`, legend: "{{topic}}-{{partition}}" }],
  }),
  graph({
    title: "ISR changes",
    description: "Replicas that left the ISR and that came back.",
    lines: [
      {
        query: `sum by (topic, change) (increase(tidemark_topic_isr_changes_total${t}[$__rate_interval]))`,
        legend: "{{topic}} {{change}}",
      },
    ],
  }),
];

export const topic = board(
  { uid: "tidemark-topic", title: "Tidemark: topic", description: "What goes through a topic, and how far it is." },
  [
    ...clusterVariables,
    {
      name: "topic",
      label: "Topic",
      query: `label_values(tidemark_topic_log_bytes${ofCluster()}, topic)`,
      isMany: true,
    },
  ],
  [
    { title: "Now", panels: now },
    { title: "Traffic", panels: traffic },
    { title: "Partitions", panels: partitions },
  ],
);
