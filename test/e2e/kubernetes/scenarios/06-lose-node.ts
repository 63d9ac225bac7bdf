import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { isPodReady, nodeOf } from "../kube.ts";

export const name = "lose a node, and have it back";

/** As for a frozen broker: nothing tells but silence. */
const GAP_MS_MAX = 6000;

/** A machine is lost without a word, with the leader of partition 0 on it; later it comes back as after a reboot. */
export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster, operatorNamespace } = context;
  const outcome = await context.underLoad(async (topic, load) => {
    const leader = await context.leaderOf(topic);
    const lost = nodeOf(await kube.brokerPod(cluster, leader));
    const wasActive = nodeOf(await kube.activeOperator(operatorNamespace)) === lost;
    load.forgetGaps();
    await faults.loseNode(lost);
    try {
      await load.goesOn();
      const gapMs = load.gapMs();
      // With the active operator on it, the Lease has to end first.
      const allowedMs = wasActive ? 2 * GAP_MS_MAX : GAP_MS_MAX;
      if (gapMs > allowedMs) throw new Error(`a partition was silent for ${Math.round(gapMs)} ms`);
      await kube.condition("Cluster", cluster, { type: "Degraded" });
      await kube.condition("Cluster", cluster, { type: "Ready" });
    } finally {
      await faults.returnNode(lost);
    }
    const isBack = async (): Promise<boolean> => isPodReady(await kube.brokerPod(cluster, leader));
    await until(`broker ${leader} is Ready again`, isBack, { limitMs: 240_000, stepMs: 500 });
    await kube.condition("Cluster", cluster, { type: "Degraded", status: "False" });
    return `${lost}${wasActive ? " with the active operator" : ""}`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
