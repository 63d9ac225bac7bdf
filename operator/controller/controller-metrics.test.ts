import { expect, test } from "@jest/globals";
import { Metrics } from "#base/metrics.ts";
import { prometheusPieces } from "#base/prometheus-text.ts";
import { addControllerMetrics, type MeasuredCluster } from "./controller-metrics.ts";

const linesOf = (metrics: Metrics): string[] =>
  [...prometheusPieces(metrics.read())]
    .join("")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));

const partition = (leader: number, isr: number[], moving: number[] = []) => ({
  leader,
  isr,
  replicas: [0, 1, 2],
  minIsr: 2,
  adding: moving,
  removing: [],
});

test("a controller tells of its cluster's brokers and partitions, by the cluster's name", () => {
  const metrics = new Metrics();
  const cluster = {
    namespace: "shop",
    name: "log",
    status: {
      condition: "active",
      version: { controllerEpoch: 3, sequence: 9 },
      uncleanElections: 1,
      brokers: [{ isFenced: false }, { isFenced: false }, { isFenced: true }],
      topics: [{}],
      partitions: [partition(0, [0, 1, 2]), partition(1, [1]), partition(-1, []), partition(0, [0, 1], [3])],
      deletions: [{}, {}],
    },
  } as unknown as MeasuredCluster;
  addControllerMetrics(metrics, () => [cluster]);
  const of = 'tidemark_namespace="shop",tidemark_cluster="log"';
  expect(linesOf(metrics)).toEqual([
    `tidemark_controller_condition{${of},condition="starting"} 0`,
    `tidemark_controller_condition{${of},condition="active"} 1`,
    `tidemark_controller_condition{${of},condition="storeUnreachable"} 0`,
    `tidemark_controller_condition{${of},condition="blocked"} 0`,
    `tidemark_controller_condition{${of},condition="recovering"} 0`,
    `tidemark_controller_condition{${of},condition="ended"} 0`,
    `tidemark_controller_epoch{${of}} 3`,
    `tidemark_controller_brokers{${of},state="alive"} 2`,
    `tidemark_controller_brokers{${of},state="fenced"} 1`,
    `tidemark_controller_topics{${of}} 1`,
    `tidemark_controller_partitions{${of}} 4`,
    `tidemark_controller_partitions_offline{${of}} 1`,
    `tidemark_controller_partitions_under_replicated{${of}} 3`,
    `tidemark_controller_partitions_under_min_isr{${of}} 2`,
    `tidemark_controller_partitions_moving{${of}} 1`,
    `tidemark_controller_deletions{${of}} 2`,
    `tidemark_controller_unclean_elections_total{${of}} 1`,
  ]);
});
