import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { isPodReady } from "../kube.ts";

export const name = "roll all brokers under load";

const RESTART_ANNOTATION = "tidemark.dev/restarted-at";

/** Every broker is made anew, one at a time, and no partition may have fewer than two replicas in sync meanwhile. */
export async function run(context: Context): Promise<string> {
  const { kube, cluster } = context;
  const outcome = await context.underLoad(async (topic, load) => {
    const before = new Set((await kube.brokerPods(cluster)).map(({ metadata }) => metadata?.uid));
    let inSyncMin = Number.POSITIVE_INFINITY;
    load.forgetGaps();
    const started = performance.now();
    const annotation = `${RESTART_ANNOTATION}=${new Date().toISOString()}`;
    const where = ["--namespace", cluster.namespace, "annotate", `cluster/${cluster.name}`];
    await kube.kubectl([...where, "--overwrite", annotation]);
    const isRolled = async (): Promise<boolean> => {
      const states = await context.partitions(topic).catch(() => []);
      for (const { isr } of states) inSyncMin = Math.min(inSyncMin, isr.length);
      const pods = await kube.brokerPods(cluster);
      return pods.length === before.size && pods.every((pod) => isPodReady(pod) && !before.has(pod.metadata?.uid));
    };
    await until("every broker's pod is a new one and Ready", isRolled, { limitMs: 300_000 });
    if (inSyncMin < 2) throw new Error(`a partition was down to ${inSyncMin} in-sync replicas`);
    return `${((performance.now() - started) / 1000).toFixed(0)} s, never below ${inSyncMin} in sync`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
