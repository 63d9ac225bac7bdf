import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { SWITCHES_NAME, SWITCHES_NAMESPACE, type Switch } from "../infrastructure/switches.ts";

export const name = "storage grows online";

const STEP_LIMIT_MS = 120_000;

async function switchResizer({ kube }: Context, setting: Switch): Promise<void> {
  const metadata = { name: SWITCHES_NAME, namespace: SWITCHES_NAMESPACE };
  await kube.apply({ apiVersion: "v1", kind: "ConfigMap", metadata, data: { resizer: setting } });
}

async function podUids({ kube, cluster }: Context): Promise<string[]> {
  return (await kube.brokerPods(cluster)).map(({ metadata }) => metadata?.uid ?? "").sort();
}

async function grow(context: Context, size: string): Promise<void> {
  const { cluster } = context;
  await context.patch(`cluster/${cluster.name}`, cluster.namespace, { spec: { storage: { size } } });
}

async function hasGrown({ kube, cluster }: Context, size: string): Promise<void> {
  const areGrown = async (): Promise<boolean> => {
    const { items } = await kube.core.listNamespacedPersistentVolumeClaim({ namespace: cluster.namespace });
    return items.length === 3 && items.every(({ status }) => status?.capacity?.["storage"] === size);
  };
  await until(`every volume has ${size}`, areGrown, { limitMs: STEP_LIMIT_MS, stepMs: 250 });
}

/** Volumes and the StatefulSet's template grow, and no pod is made anew; a resizer that fails is told, and heals. */
export async function run(context: Context): Promise<string> {
  const { kube, cluster } = context;
  const outcome = await context.underLoad(async (_topic, load) => {
    const before = await podUids(context);
    load.forgetGaps();
    await grow(context, "2Gi");
    await hasGrown(context, "2Gi");
    await switchResizer(context, "off");
    try {
      await grow(context, "3Gi");
      await kube.condition("Cluster", cluster, { type: "StorageResized", status: "False" });
      await kube.condition("Cluster", cluster, { type: "Ready" });
    } finally {
      await switchResizer(context, "on");
    }
    await hasGrown(context, "3Gi");
    await kube.condition("Cluster", cluster, { type: "StorageResized" });
    const set = await kube.apps.readNamespacedStatefulSet({ ...cluster, name: `${cluster.name}-broker` });
    const template = set.spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.["storage"];
    if (template !== "3Gi") throw new Error(`a new broker would get ${template}`);
    if ((await podUids(context)).join() !== before.join()) throw new Error("pods were made anew");
    return "1Gi to 2Gi, then to 3Gi after a resizer that was away; pods are the same";
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
