import type { V1Pod } from "@kubernetes/client-node";
import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { isPodReady, nodeOf } from "../kube.ts";

export const name = "drain a node";

const TOO_MANY_REQUESTS = 429;

/** Whether the eviction API lets a pod go: asked only, nothing is evicted. */
async function mayBeEvicted({ kube }: Context, pod: V1Pod): Promise<boolean> {
  const { name: podName = "", namespace = "" } = pod.metadata ?? {};
  const body = { metadata: { name: podName, namespace }, deleteOptions: { dryRun: ["All"] } };
  try {
    await kube.core.createNamespacedPodEviction({ name: podName, namespace, body });
    return true;
  } catch (error) {
    if (Error.isError(error) && "code" in error && error.code === TOO_MANY_REQUESTS) return false;
    throw error;
  }
}

/** As an administrator does it; while the drained broker is away, no other may be evicted. */
export async function run(context: Context): Promise<string> {
  const { kube, cluster } = context;
  const outcome = await context.underLoad(async (topic, load) => {
    const leader = await context.leaderOf(topic);
    const pod = await kube.brokerPod(cluster, leader);
    const node = nodeOf(pod);
    load.forgetGaps();
    const args = ["--ignore-daemonsets", "--delete-emptydir-data", "--force", "--timeout=90s"];
    const started = performance.now();
    try {
      await kube.kubectl(["drain", node, ...args]);
      const drainedMs = performance.now() - started;
      await load.goesOn();
      const others = (await kube.brokerPods(cluster)).filter(({ metadata }) => metadata?.name !== pod.metadata?.name);
      for (const other of others) {
        if (await mayBeEvicted(context, other)) throw new Error(`${other.metadata?.name} may be evicted too`);
      }
      return `drained in ${(drainedMs / 1000).toFixed(0)} s, no other broker might go meanwhile`;
    } finally {
      await kube.kubectl(["uncordon", node]);
      const isBack = async (): Promise<boolean> => isPodReady(await kube.brokerPod(cluster, leader));
      await until(`broker ${leader} is Ready again`, isBack, { limitMs: 120_000, stepMs: 250 });
    }
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
