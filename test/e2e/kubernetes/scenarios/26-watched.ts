import type { V1Pod } from "@kubernetes/client-node";
import { readFileSync } from "node:fs";
import { dashboards, queriesOf } from "../../../../charts/dashboards/all.ts";
import { evaluateDashboards, evaluateRules } from "../../../../charts/dashboards/evaluate.ts";
import { metricsIn, readRules, ruleFile } from "../../../../charts/rules/rule-file.ts";
import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { Prometheus, type TargetGroup } from "../prometheus.ts";

export const name = "panels and alerts in a real Prometheus";

const LIMIT_MS = 90_000;

/** The chart's rules; only the time for which a fault must last before it is told is a test's. */
const hurried = (rules: string): string => rules.replaceAll(/^( +)for: .*$/gm, "$1for: 1s");

/** The pods, labelled as the chart's PodMonitors do it. One that has ended is there until it is taken away. */
async function targetsOf({ kube, cluster, operatorNamespace }: Context): Promise<TargetGroup[]> {
  const groupOf = (pod: V1Pod, port: number, labels: TargetGroup["labels"]): TargetGroup[] => {
    const { metadata, status } = pod;
    const isThere = status?.podIP !== undefined && status.phase !== "Succeeded" && status.phase !== "Failed";
    const pods = { namespace: metadata?.namespace ?? "", pod: metadata?.name ?? "" };
    return isThere ? [{ targets: [`${status.podIP}:${port}`], labels: { ...pods, ...labels } }] : [];
  };
  const ofBroker = { job: "tidemark-brokers", container: "broker", tidemark_cluster: cluster.name };
  const ofOperator = { job: "tidemark-operator", container: "operator" };
  const brokers = await kube.brokerPods(cluster);
  const operators = await kube.operatorPods(operatorNamespace);
  return [
    ...brokers.flatMap((pod) => groupOf(pod, 8081, ofBroker)),
    ...operators.flatMap((pod) => groupOf(pod, 8080, ofOperator)),
  ];
}

/** Writes, reads and asks for what is not there, so that there is something to count of everything. */
async function use(context: Context): Promise<void> {
  const { target, ackedOf } = await context.write(context.cluster, `panels-${Date.now().toString(36)}`);
  await context.check(target, ackedOf);
  await context.partitions("nothing-of-that-name").catch(() => "it is not there");
}

async function asked({ cluster }: Context, { address }: Prometheus) {
  const chosen = { namespace: cluster.namespace, cluster: cluster.name, pod: ".*", topic: ".*" };
  const panels = await evaluateDashboards(address, Object.values(dashboards), chosen);
  return { panels, rules: await evaluateRules(address, readRules()) };
}

/** Every panel and every metric that an alert reads has a series; no metric is unknown. */
async function panelsAnswer(context: Context, prometheus: Prometheus): Promise<string> {
  let told = "";
  const haveSeries = async (): Promise<boolean> => {
    const { panels, rules } = await asked(context, prometheus);
    const empty = [...panels, ...rules].filter(({ series }) => series === null || series === 0);
    const known = await prometheus.metrics();
    const queries = Object.values(dashboards).flatMap((dashboard) => queriesOf(dashboard).map(({ query }) => query));
    const unknown = [...new Set(queries.flatMap(metricsIn))].filter((metric) => !known.has(metric));
    if (unknown.length > 0) throw new Error(`unknown metrics: ${unknown.join(", ")}`);
    const [first] = empty;
    if (first !== undefined) {
      const others = empty.slice(1).map(({ where }) => where);
      throw new Error(
        `${first.where}: ${first.error || "no series"} (${first.query}); also ${others.join(", ") || "none"}`,
      );
    }
    told = `${panels.length} queries of panels and ${rules.length} metrics of alerts have series`;
    return true;
  };
  await until("every panel has a series", haveSeries, { limitMs: LIMIT_MS, stepMs: 1000 });
  return told;
}

interface Fault {
  readonly told: string;
  readonly alerts: readonly string[];
  /** What this answers puts it right. */
  begin(context: Context): Promise<() => void | Promise<void>>;
}

/** Holds the processes of so many brokers. */
const frozen =
  (count: number) =>
  async ({ kube, faults, cluster }: Context) => {
    const wakers: (() => void)[] = [];
    const wakeAll = (): void => {
      for (const wake of wakers) wake();
    };
    try {
      for (const pod of (await kube.brokerPods(cluster)).slice(0, count))
        wakers.push(await faults.freezeContainer(pod));
    } catch (error) {
      wakeAll();
      throw error;
    }
    return wakeAll;
  };

const lost = ["TidemarkBrokerLost", "TidemarkScrapeFails"];
const faultsToSee: readonly Fault[] = [
  {
    told: "two brokers frozen",
    alerts: [...lost, "TidemarkPartitionsUnderReplicated", "TidemarkPartitionsUnderMinIsr"],
    begin: frozen(2),
  },
  { told: "all brokers frozen", alerts: ["TidemarkPartitionsOffline"], begin: frozen(3) },
  {
    told: "no operator",
    alerts: ["TidemarkControllerMissing"],
    begin: async (context) => {
      await context.scaleOperator(0);
      return () => context.scaleOperator(2);
    },
  },
];

/** Silent before, firing while the fault lasts, silent again after it. */
async function firesAndClears(context: Context, prometheus: Prometheus, fault: Fault): Promise<string> {
  const seen = new Set<string>();
  const silentOnes = async (): Promise<boolean> => {
    const firing = await prometheus.firing();
    const loud = fault.alerts.filter((alert) => firing.has(alert));
    if (loud.length === 0) return true;
    throw new Error(`${loud.join(", ")} fire`);
  };
  const areFiring = async (): Promise<boolean> => {
    const firing = await prometheus.firing();
    const silent = fault.alerts.filter((alert) => !firing.has(alert));
    for (const alert of fault.alerts) if (firing.has(alert)) seen.add(alert);
    if (fault.alerts.every((alert) => seen.has(alert))) return true;
    throw new Error(`${silent.join(", ")} do not`);
  };
  await until(`alerts are silent before: ${fault.told}`, silentOnes, { limitMs: LIMIT_MS });
  const putRight = await fault.begin(context);
  try {
    await until(`alerts fire with ${fault.told}`, areFiring, { limitMs: LIMIT_MS });
  } finally {
    await putRight();
  }
  await until(`alerts are silent after: ${fault.told}`, silentOnes, { limitMs: LIMIT_MS });
  return `${fault.told}: ${fault.alerts.join(", ")}`;
}

/** The chart's dashboards and rules, asked of a Prometheus that scrapes these pods. */
export async function run(context: Context): Promise<string> {
  const rules = hurried(readFileSync(ruleFile, "utf8"));
  const prometheus = await Prometheus.start({ targets: () => targetsOf(context), rules });
  try {
    const outcome = await context.underLoad(async (topic) => {
      await use(context);
      const panels = await panelsAnswer(context, prometheus);
      const seen: string[] = [];
      for (const fault of faultsToSee) {
        seen.push(await firesAndClears(context, prometheus, fault));
        await context.whole(topic);
      }
      return `${panels}; alerts seen firing and clearing with ${seen.join("; ")}`;
    });
    return `${outcome.told}; ${figuresOf(outcome)}`;
  } finally {
    await prometheus.stop();
  }
}
