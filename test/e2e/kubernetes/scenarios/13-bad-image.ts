import { type Context, figuresOf } from "../context.ts";
import { isPodReady } from "../kube.ts";

export const name = "an image that cannot be pulled";

const BAD_IMAGE = "docker.io/local/no-such-image:1";

/** The first broker is the canary: when it does not come back, the others are left alone, and the way back is open. */
export async function run(context: Context): Promise<string> {
  const { kube, cluster } = context;
  const outcome = await context.underLoad(async (_topic, load) => {
    const before = await kube.brokerPods(cluster);
    load.forgetGaps();
    const setImage = (image: string | null): Promise<string> =>
      context.patch(`cluster/${cluster.name}`, cluster.namespace, { spec: { image } });
    await setImage(BAD_IMAGE);
    try {
      await kube.condition("Cluster", cluster, { type: "Progressing", status: "False", reason: "RollFailed" });
      const now = await kube.brokerPods(cluster);
      const untouched = now.filter(({ metadata }) => before.some((pod) => pod.metadata?.uid === metadata?.uid));
      if (untouched.filter(isPodReady).length < before.length - 1) throw new Error("more than one broker was touched");
      await load.goesOn();
    } finally {
      await setImage(null);
    }
    await kube.condition("Cluster", cluster, { type: "Ready" });
    await kube.condition("Cluster", cluster, { type: "Degraded", status: "False" });
    return "one broker tried it, the others went on";
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
