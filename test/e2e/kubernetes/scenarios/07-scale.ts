import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { isPodReady } from "../kube.ts";

export const name = "scale from 3 to 5 and back to 3";

const STEP_LIMIT_MS = 300_000;

async function scaleTo({ kube, cluster }: Context, replicas: number): Promise<string> {
  const started = performance.now();
  const where = ["--namespace", cluster.namespace, "scale", `cluster/${cluster.name}`];
  await kube.kubectl([...where, `--replicas=${replicas}`]);
  const isScaled = async (): Promise<boolean> => {
    const pods = await kube.brokerPods(cluster);
    return pods.length === replicas && pods.every(isPodReady);
  };
  await until(`the Cluster has ${replicas} brokers`, isScaled, { limitMs: STEP_LIMIT_MS, stepMs: 250 });
  const settled = { type: "Progressing", status: "False", limitMs: STEP_LIMIT_MS };
  await kube.condition("Cluster", cluster, settled);
  return `${((performance.now() - started) / 1000).toFixed(0)} s`;
}

/** New brokers get their share, and give it back before they go. */
export async function run(context: Context): Promise<string> {
  const outcome = await context.underLoad(async (topic, load) => {
    load.forgetGaps();
    const up = await scaleTo(context, 5);
    // The share is one of all topics: a single one need not be on every broker.
    const areAllUsed = async (): Promise<boolean> => (await context.holders()).size === 5;
    await until("five brokers hold replicas", areAllUsed, { limitMs: STEP_LIMIT_MS, stepMs: 500 });
    await context.whole(topic);
    const down = await scaleTo(context, 3);
    const left = (await context.partitions(topic)).flatMap(({ replicas }) => replicas);
    if (new Set(left).size !== 3) throw new Error(`three brokers are left, but replicas are on ${left.join(", ")}`);
    return `up in ${up}, down in ${down}`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
