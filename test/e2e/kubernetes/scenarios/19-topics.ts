import { until } from "../cluster/shell.ts";
import type { Context } from "../context.ts";

export const name = "topics: growth, refused shrink, replication factor, both deletion policies";

const STEP_LIMIT_MS = 120_000;

async function partitionsAre(context: Context, topic: string, wanted: { count: number; replicas: number }) {
  const are = async (): Promise<boolean> => {
    const now = await context.partitions(topic);
    const areWide = now.every(({ leader, replicas, isr }) => {
      const isWhole = replicas.length === wanted.replicas && isr.length === wanted.replicas;
      return isWhole && leader >= 0;
    });
    return now.length === wanted.count && areWide;
  };
  const what = `${topic} has ${wanted.count} partitions of ${wanted.replicas} replicas in sync`;
  await until(what, are, { limitMs: STEP_LIMIT_MS, stepMs: 250 });
}

async function isRefused(patch: Promise<string>): Promise<string> {
  try {
    await patch;
  } catch (error) {
    return Error.isError(error) ? error.message : String(error);
  }
  throw new Error("fewer partitions than before were accepted");
}

/** What a Topic may become, and what becomes of the topic when it is deleted. */
export async function run(context: Context): Promise<string> {
  const { kube, cluster } = context;
  const { namespace } = cluster;
  const suffix = Date.now().toString(36);
  const [grown, kept, gone] = [`grown-${suffix}`, `kept-${suffix}`, `gone-${suffix}`];
  const narrow = { partitions: 3, replicationFactor: 2, config: {} };
  const written = await context.write(cluster, grown, { spec: narrow });
  await context.patch(`topic/${grown}`, namespace, { spec: { partitions: 5 } });
  await partitionsAre(context, grown, { count: 5, replicas: 2 });
  const refusal = await isRefused(context.patch(`topic/${grown}`, namespace, { spec: { partitions: 4 } }));
  if (!/fewer/.test(refusal)) throw new Error(`the refusal does not say why: ${refusal}`);
  await context.patch(`topic/${grown}`, namespace, { spec: { replicationFactor: 3 } });
  await partitionsAre(context, grown, { count: 5, replicas: 3 });
  await kube.condition("Topic", { namespace, name: grown }, { type: "Reassigning", status: "False" });
  const read = await context.check(written.target, written.ackedOf);
  await context.makeTopic(kept, cluster, { ...narrow, deletionPolicy: "Retain" });
  await context.makeTopic(gone, cluster, { ...narrow, deletionPolicy: "Delete" });
  await kube.kubectl(["--namespace", namespace, "delete", `topic/${kept}`, `topic/${gone}`, "--timeout=30s"]);
  const isGone = async (): Promise<boolean> => !(await context.topics()).includes(gone);
  await until(`${gone} is gone`, isGone, { limitMs: STEP_LIMIT_MS });
  if (!(await context.topics()).includes(kept)) throw new Error(`${kept} is gone although it was to be retained`);
  return `3 to 5 partitions, 2 to 3 replicas, ${read} records still there; one retained, one deleted`;
}
