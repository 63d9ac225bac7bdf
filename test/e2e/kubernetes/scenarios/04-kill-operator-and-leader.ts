import { type Context, figuresOf } from "../context.ts";

export const name = "kill operator and leader together";

const GAP_MS_MAX = 8000;

/** Nobody is left to elect anyone until another operator has taken over. */
export async function run(context: Context): Promise<string> {
  const { kube, faults, cluster, operatorNamespace } = context;
  const outcome = await context.underLoad(
    async (topic, load) => {
      const active = await kube.activeOperator(operatorNamespace);
      const leader = await kube.brokerPod(cluster, await context.leaderOf(topic));
      load.forgetGaps();
      await Promise.all([faults.killContainer(active), faults.killContainer(leader)]);
      await load.goesOn();
      const gapMs = load.gapMs();
      if (gapMs > GAP_MS_MAX) throw new Error(`a partition was silent for ${Math.round(gapMs)} ms`);
      return "";
    },
    { client: "java" },
  );
  return `${outcome.client}: ${figuresOf(outcome)}`;
}
