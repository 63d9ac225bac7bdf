import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";
import { GROUP, VERSION } from "../kube.ts";

export const name = "delete a namespace with the operator gone";

const NAMESPACE = "doomed";
/** Brokers ask their controller before they go: without one each waits its whole minute first. */
const DELETION_LIMIT_MS = 150_000;

/** Nothing may stay Terminating, whoever is gone; meanwhile another Cluster goes on without any operator. */
export async function run(context: Context): Promise<string> {
  const { kube } = context;
  const doomed = { namespace: NAMESPACE, name: "doomed" };
  await kube.makeNamespace(NAMESPACE);
  await kube.apply({
    apiVersion: `${GROUP}/${VERSION}`,
    kind: "Cluster",
    metadata: doomed,
    spec: { replicas: 3, storage: { size: "1Gi", deletionPolicy: "Delete" } },
  });
  await kube.condition("Cluster", doomed, { type: "Ready" });
  await context.makeTopic("doomed", doomed);
  const outcome = await context.underLoad(async (_topic, load) => {
    await context.scaleOperator(0);
    load.forgetGaps();
    let goneMs: number;
    try {
      const started = performance.now();
      await kube.core.deleteNamespace({ name: NAMESPACE });
      const isGone = async (): Promise<boolean> => (await kube.namespace(NAMESPACE)) === null;
      await until("the namespace is gone", isGone, { limitMs: DELETION_LIMIT_MS, stepMs: 250 });
      goneMs = performance.now() - started;
    } finally {
      await context.scaleOperator(2);
    }
    return `gone after ${(goneMs / 1000).toFixed(0)} s`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
