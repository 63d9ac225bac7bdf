import { until } from "../cluster/shell.ts";
import { type Context, figuresOf } from "../context.ts";

export const name = "kill the active operator";

/** SIGKILL to the operator that decides: another takes the Lease, and clients notice nothing. */
export async function run(context: Context): Promise<string> {
  const { kube, faults, operatorNamespace } = context;
  const outcome = await context.underLoad(async (_topic, load) => {
    const holder = await kube.leaseHolder(operatorNamespace);
    const active = await kube.activeOperator(operatorNamespace);
    load.forgetGaps();
    const started = performance.now();
    await faults.killContainer(active);
    const hasMoved = async (): Promise<boolean> => ![holder, ""].includes(await kube.leaseHolder(operatorNamespace));
    await until("another operator holds the Lease", hasMoved, { limitMs: 30_000 });
    return `the Lease moved after ${((performance.now() - started) / 1000).toFixed(1)} s`;
  });
  return `${outcome.told}; ${figuresOf(outcome)}`;
}
