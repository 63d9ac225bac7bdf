import { board, graph, ofController, quantileOf, stat } from "./kit.ts";

const c = ofController();
const operator = '{container="operator"}';

const now = [
  stat({
    title: "Active operators",
    description: "One holds the Lease.",
    query: 'sum(leader_election_master_status{name="tidemark-operator"})',
    goodFrom: 1,
  }),
  stat({
    title: "Controller active",
    description: "1 while the cluster's controller decides.",
    query: `max(tidemark_controller_condition${ofController('condition="active"')})`,
    goodFrom: 1,
  }),
  stat({
    title: "Controllers so far",
    description: "The epoch: +1 at each takeover.",
    query: `max(tidemark_controller_epoch${c})`,
  }),
  stat({
    title: "Brokers without session",
    description: "Registered, and not heard of.",
    query: `max(tidemark_controller_brokers${ofController('state="fenced"')})`,
    badFrom: 1,
  }),
  stat({
    title: "Topics",
    description: "In the cluster's metadata.",
    query: `max(tidemark_controller_topics${c})`,
  }),
  stat({
    title: "Partitions",
    description: "In the cluster's metadata.",
    query: `max(tidemark_controller_partitions${c})`,
  }),
];

const cluster = [
  graph({
    title: "Partitions by state",
    description: "As the controller knows them.",
    lines: [
      { query: `max(tidemark_controller_partitions_offline${c})`, legend: "offline" },
      { query: `max(tidemark_controller_partitions_under_min_isr${c})`, legend: "under min ISR" },
      { query: `max(tidemark_controller_partitions_under_replicated${c})`, legend: "under-replicated" },
      { query: `max(tidemark_controller_partitions_moving${c})`, legend: "moving" },
    ],
  }),
  graph({
    title: "What the controller does",
    description: "1 for the condition that it is in.",
    lines: [{ query: `max by (condition) (tidemark_controller_condition${c})`, legend: "{{condition}}" }],
  }),
  graph({
    title: "Brokers",
    description: "By whether they have a session.",
    lines: [{ query: `max by (state) (tidemark_controller_brokers${c})`, legend: "{{state}}" }],
  }),
  graph({
    title: "Topics whose data is still being removed",
    description: "Deleted, and not yet confirmed by every replica.",
    lines: [{ query: `max(tidemark_controller_deletions${c})`, legend: "topics" }],
  }),
];

const reconciling = [
  graph({
    title: "Reconciles per second",
    description: "By reconciler and result.",
    unit: "cps",
    lines: [
      {
        query: "sum by (controller, result) (rate(controller_runtime_reconcile_total[$__rate_interval]))",
        legend: "{{controller}} {{result}}",
      },
    ],
  }),
  graph({
    title: "Time of a reconcile, p99",
    description: "By reconciler.",
    unit: "s",
    lines: [
      {
        query: quantileOf(0.99, { by: "controller, le", buckets: "controller_runtime_reconcile_time_seconds_bucket" }),
        legend: "{{controller}}",
      },
    ],
  }),
  graph({
    title: "Waiting to be reconciled",
    description: "Objects, by reconciler.",
    lines: [{ query: "max by (name) (workqueue_depth)", legend: "{{name}}" }],
  }),
  graph({
    title: "Silence of watches",
    description: "Since the API server last said anything of a kind.",
    unit: "s",
    lines: [{ query: "max by (kind) (tidemark_watch_staleness_seconds)", legend: "{{kind}}" }],
  }),
];

const resources = [
  graph({
    title: "Memory of operators",
    description: "Resident.",
    unit: "bytes",
    lines: [{ query: `sum by (pod) (process_resident_memory_bytes${operator})`, legend: "{{pod}}" }],
  }),
  graph({
    title: "Event loop's delay of operators, p99",
    description: "How late timers fire.",
    unit: "s",
    lines: [
      {
        query: quantileOf(0.99, { by: "pod, le", buckets: `tidemark_event_loop_delay_seconds_bucket${operator}` }),
        legend: "{{pod}}",
      },
    ],
  }),
];

export const controller = board(
  {
    uid: "tidemark-controller",
    title: "Tidemark: controller",
    description: "The operator, and what it decides for a cluster.",
  },
  [
    {
      name: "namespace",
      label: "Namespace",
      query: "label_values(tidemark_controller_partitions, tidemark_namespace)",
    },
    {
      name: "cluster",
      label: "Cluster",
      query: 'label_values(tidemark_controller_partitions{tidemark_namespace="$namespace"}, tidemark_cluster)',
    },
  ],
  [
    { title: "Now", panels: now },
    { title: "Cluster", panels: cluster },
    { title: "Reconciling", panels: reconciling },
    { title: "Operators", panels: resources },
  ],
);
