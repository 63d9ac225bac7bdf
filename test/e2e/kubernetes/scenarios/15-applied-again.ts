import { until } from "../cluster/shell.ts";
import type { Context } from "../context.ts";
import { GROUP, VERSION } from "../kube.ts";

export const name = "delete a Cluster, and apply it again";

const NAMESPACE = "applied-again";
const STEP_LIMIT_MS = 120_000;

/** Under the policy Retain volumes and metadata outlive the Cluster: one of that name takes them up again. */
export async function run(context: Context): Promise<string> {
  const { kube } = context;
  const cluster = { namespace: NAMESPACE, name: "kept" };
  const resource = {
    apiVersion: `${GROUP}/${VERSION}`,
    kind: "Cluster",
    metadata: cluster,
    spec: { replicas: 3, storage: { size: "1Gi", deletionPolicy: "Retain" } },
  };
  await kube.makeNamespace(NAMESPACE);
  try {
    await kube.apply(resource);
    await kube.condition("Cluster", cluster, { type: "Ready" });
    const written = await context.write(cluster, "kept");
    await kube.kubectl(["--namespace", NAMESPACE, "delete", "cluster/kept", "--timeout=60s"]);
    const areGone = async (): Promise<boolean> => (await kube.brokerPods(cluster)).length === 0;
    await until("its pods are gone", areGone, { limitMs: STEP_LIMIT_MS, stepMs: 250 });
    const claims = await kube.core.listNamespacedPersistentVolumeClaim({ namespace: NAMESPACE });
    if (claims.items.length !== 3) throw new Error(`of three claims ${claims.items.length} are left`);
    await kube.apply(resource);
    await kube.condition("Cluster", cluster, { type: "Ready" });
    const read = await context.check(
      { ...written.target, bootstrap: await context.bootstrap(cluster) },
      written.ackedOf,
    );
    return `${read} records are there again`;
  } finally {
    await kube.core.deleteNamespace({ name: NAMESPACE });
  }
}
