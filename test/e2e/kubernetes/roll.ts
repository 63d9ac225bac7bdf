import { until } from "./cluster/shell.ts";
import type { Context } from "./context.ts";
import { isPodReady } from "./kube.ts";

const RESTART_ANNOTATION = "tidemark.dev/restarted-at";

/** Has every broker of the Cluster made anew, and waits for it; `look` runs again and again meanwhile. */
export async function roll({ kube, cluster }: Context, look: () => Promise<void> = async () => {}): Promise<void> {
  const before = new Set((await kube.brokerPods(cluster)).map(({ metadata }) => metadata?.uid));
  const annotation = `${RESTART_ANNOTATION}=${new Date().toISOString()}`;
  const where = ["--namespace", cluster.namespace, "annotate", `cluster/${cluster.name}`];
  await kube.kubectl([...where, "--overwrite", annotation]);
  const isRolled = async (): Promise<boolean> => {
    await look();
    const pods = await kube.brokerPods(cluster);
    return pods.length === before.size && pods.every((pod) => isPodReady(pod) && !before.has(pod.metadata?.uid));
  };
  await until("every broker's pod is a new one and Ready", isRolled, { limitMs: 300_000 });
}
