import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { isPodReady, nodeOf } from "../kube.ts";

export const name = "give a lost node's disk up";

const OUT_OF_SERVICE = "node.kubernetes.io/out-of-service";
const STEP_LIMIT_MS = 240_000;

/** The node never comes back: a person says so, and the broker comes up elsewhere, empty, as a new replica. */
export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster } = context;
  const outcome = await context.underLoad(async (topic, load) => {
    const broker = await context.leaderOf(topic);
    const before = await kube.brokerPod(cluster, broker);
    const lost = nodeOf(before);
    load.forgetGaps();
    await faults.loseNode(lost);
    try {
      const unreachable = { type: "Degraded", reason: "BrokerUnreachable" };
      const { status } = await kube.condition("Cluster", cluster, unreachable);
      const message = status?.conditions?.find(({ type }) => type === "Degraded")?.message ?? "";
      const [wish] = message.match(/tidemark\.dev\/replace-broker="?[^" ]+"?/) ?? [];
      if (wish === undefined) throw new Error(`the condition does not say how to give the disk up: ${message}`);
      const where = ["--namespace", cluster.namespace, "annotate", "--overwrite"];
      await kube.kubectl([...where, `cluster/${cluster.name}`, wish.replaceAll('"', "")]);
      await kube.kubectl(["taint", "node", lost, `${OUT_OF_SERVICE}=lost:NoExecute`]);
      const isElsewhere = async (): Promise<boolean> => {
        const pod = await kube.brokerPod(cluster, broker);
        return pod.metadata?.uid !== before.metadata?.uid && nodeOf(pod) !== lost && isPodReady(pod);
      };
      await until(`broker ${broker} is Ready on another node`, isElsewhere, { limitMs: STEP_LIMIT_MS, stepMs: 500 });
      await context.whole(topic);
    } finally {
      await faults.returnNode(lost);
      await kube.kubectl(["taint", "node", lost, `${OUT_OF_SERVICE}-`]).catch(() => "it was not tainted yet");
    }
    return `broker ${broker} left ${lost} for another node`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
