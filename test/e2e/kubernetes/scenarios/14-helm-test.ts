import { until } from "../cluster/shell.ts";
import type { Context } from "../context.ts";

export const name = "helm test";

/** It brings a cluster of its own, uses it with the project's image, and leaves nothing. */
export async function run(context: Context): Promise<string> {
  const started = performance.now();
  const before = await leftovers(context);
  await context.helm(["test", context.release, "--timeout=240s"]);
  const told = `passed in ${((performance.now() - started) / 1000).toFixed(0)} s and left nothing`;
  const isClean = async (): Promise<boolean> => {
    const more = (await leftovers(context)).filter((left) => !before.includes(left));
    if (more.length === 0) return true;
    throw new Error(`it left ${more.join(", ")}`);
  };
  // What belongs to the Cluster goes after it, when Kubernetes collects it.
  await until("nothing is left of it", isClean, { limitMs: 60_000, stepMs: 250 });
  return told;
}

async function leftovers({ kube, operatorNamespace }: Context): Promise<string[]> {
  const kinds = "clusters,topics,metadatashards,statefulsets,persistentvolumeclaims,services";
  const names = await kube.kubectl(["--namespace", operatorNamespace, "get", kinds, "--output=name"]);
  return names.split("\n").filter(Boolean);
}
