/** How an alert is shown to fire by its fault and to clear without it. Samples are one minute apart. */
export interface Case {
  readonly alert: string;
  /** In promtool's notation: `0x5` is zero and five more of it, `1+1x5` grows. The fault comes first, then its end. */
  readonly series: Readonly<Record<string, string>>;
  /** Minute at which it fires, and one at which it does so no more. */
  readonly firesAtMinute: number;
  readonly clearAtMinute: number;
  /** A minute at which the fault is there already and the alert still waits; absent where it fires at once. */
  readonly waitsAtMinute?: number;
  /** Labels of the alert besides its severity. */
  readonly labels: Readonly<Record<string, string>>;
}

const cluster = { namespace: "shop", tidemark_cluster: "log" };
const managed = { tidemark_namespace: "shop", tidemark_cluster: "log" };
const broker = `namespace="shop",tidemark_cluster="log",pod="log-broker-0"`;
const other = `namespace="shop",tidemark_cluster="log",pod="log-broker-1"`;
const controller = `tidemark_namespace="shop",tidemark_cluster="log"`;

export const cases: readonly Case[] = [
  {
    alert: "TidemarkPartitionsOffline",
    series: { [`tidemark_controller_partitions_offline{${controller}}`]: "3x5 0x10" },
    waitsAtMinute: 0,
    firesAtMinute: 2,
    clearAtMinute: 8,
    labels: managed,
  },
  {
    alert: "TidemarkPartitionsUnderMinIsr",
    series: {
      [`tidemark_partitions_under_min_isr{${broker}}`]: "1x5 0x10",
      [`tidemark_partitions_under_min_isr{${other}}`]: "0x20",
    },
    waitsAtMinute: 1,
    firesAtMinute: 3,
    clearAtMinute: 8,
    labels: cluster,
  },
  {
    alert: "TidemarkPartitionsUnderReplicated",
    series: { [`tidemark_partitions_under_replicated{${broker}}`]: "2x15 0x10" },
    waitsAtMinute: 8,
    firesAtMinute: 11,
    clearAtMinute: 18,
    labels: cluster,
  },
  {
    alert: "TidemarkUncleanElection",
    series: { [`tidemark_controller_unclean_elections_total{${controller}}`]: "0x4 1x40" },
    firesAtMinute: 6,
    clearAtMinute: 25,
    labels: managed,
  },
  {
    alert: "TidemarkBrokerLost",
    series: { [`tidemark_controller_brokers{${controller},state="fenced"}`]: "1x8 0x10" },
    waitsAtMinute: 4,
    firesAtMinute: 6,
    clearAtMinute: 12,
    labels: managed,
  },
  {
    alert: "TidemarkDiskFilling",
    series: {
      [`tidemark_disk_free_bytes{${broker}}`]: "10x8 50x10",
      [`tidemark_disk_bytes{${broker}}`]: "100x20",
    },
    waitsAtMinute: 4,
    firesAtMinute: 6,
    clearAtMinute: 12,
    labels: { ...cluster, pod: "log-broker-0" },
  },
  {
    alert: "TidemarkDiskFull",
    series: {
      [`tidemark_disk_free_bytes{${broker}}`]: "4x4 50x10",
      [`tidemark_disk_bytes{${broker}}`]: "100x20",
    },
    waitsAtMinute: 0,
    firesAtMinute: 2,
    clearAtMinute: 8,
    labels: { ...cluster, pod: "log-broker-0" },
  },
  {
    alert: "TidemarkEventLoopBlocked",
    series: {
      [`tidemark_event_loop_delay_seconds_bucket{${broker},le="0.25"}`]: "0x20 600+600x20",
      [`tidemark_event_loop_delay_seconds_bucket{${broker},le="0.5"}`]: "0+600x20 12600+600x20",
      [`tidemark_event_loop_delay_seconds_bucket{${broker},le="+Inf"}`]: "0+600x20 12600+600x20",
    },
    waitsAtMinute: 8,
    firesAtMinute: 15,
    clearAtMinute: 35,
    labels: { ...cluster, pod: "log-broker-0" },
  },
  {
    alert: "TidemarkRequestsFail",
    series: {
      [`tidemark_kafka_request_errors_total{${broker},api="Produce",error="KAFKA_STORAGE_ERROR"}`]: "0+6x10 60x20",
    },
    waitsAtMinute: 4,
    firesAtMinute: 8,
    clearAtMinute: 20,
    labels: { ...cluster, api: "Produce", error: "KAFKA_STORAGE_ERROR" },
  },
  {
    alert: "TidemarkScrapeFails",
    series: { 'up{namespace="shop",pod="log-broker-0",job="tidemark/tidemark-brokers"}': "0x8 1x10" },
    waitsAtMinute: 4,
    firesAtMinute: 6,
    clearAtMinute: 12,
    labels: { namespace: "shop", pod: "log-broker-0" },
  },
  {
    alert: "TidemarkControllerMissing",
    series: {
      [`tidemark_has_controller{${broker}}`]: "0x4 1x10",
      [`tidemark_has_controller{${other}}`]: "0x20",
    },
    waitsAtMinute: 0,
    firesAtMinute: 2,
    clearAtMinute: 8,
    labels: cluster,
  },
  {
    alert: "TidemarkMetadataBlocked",
    series: { [`tidemark_controller_condition{${controller},condition="blocked"}`]: "1x4 0x10" },
    waitsAtMinute: 0,
    firesAtMinute: 2,
    clearAtMinute: 8,
    labels: managed,
  },
  {
    alert: "TidemarkStoreUnreachable",
    series: { [`tidemark_controller_condition{${controller},condition="storeUnreachable"}`]: "1x5 0x10" },
    waitsAtMinute: 1,
    firesAtMinute: 3,
    clearAtMinute: 8,
    labels: managed,
  },
  {
    alert: "TidemarkOperatorInactive",
    series: {
      'leader_election_master_status{namespace="ops",pod="a",name="tidemark-operator"}': "0x5 1x10",
      'leader_election_master_status{namespace="ops",pod="b",name="tidemark-operator"}': "0x20",
    },
    waitsAtMinute: 1,
    firesAtMinute: 3,
    clearAtMinute: 8,
    labels: { namespace: "ops" },
  },
  {
    alert: "TidemarkReconcilesFail",
    series: {
      'controller_runtime_reconcile_total{namespace="ops",pod="a",controller="cluster",result="error"}': "0+2x30 60x30",
    },
    waitsAtMinute: 10,
    firesAtMinute: 22,
    clearAtMinute: 45,
    labels: { namespace: "ops", controller: "cluster" },
  },
  {
    alert: "TidemarkWatchStale",
    series: { 'tidemark_watch_staleness_seconds{namespace="ops",pod="a",kind="Cluster"}': "400+60x8 1x10" },
    waitsAtMinute: 4,
    firesAtMinute: 6,
    clearAtMinute: 12,
    labels: { namespace: "ops", pod: "a", kind: "Cluster" },
  },
];
