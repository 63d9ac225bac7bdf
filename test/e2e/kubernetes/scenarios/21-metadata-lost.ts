import { until } from "../cluster/shell.ts";
import type { Context } from "../context.ts";
import { GROUP, type Place, VERSION } from "../kube.ts";

export const name = "metadata lost, then rolled back";

const NAMESPACE = "metadata-lost";

interface StoredShard {
  readonly metadata: { readonly name: string; resourceVersion?: string; uid?: string };
}

async function shards({ kube }: Context): Promise<StoredShard[]> {
  const listed = await kube.kubectl(["--namespace", NAMESPACE, "get", "metadatashards", "--output=json"]);
  return (JSON.parse(listed) as { items: StoredShard[] }).items;
}

/** With the operator away, as a restore from a backup would be done; then it must decide nothing and say what to do. */
async function damaged(context: Context, cluster: Place, damage: () => Promise<unknown>): Promise<string> {
  const { kube } = context;
  await context.scaleOperator(0);
  try {
    await damage();
  } finally {
    await context.scaleOperator(2);
  }
  let [reason, epoch] = ["", ""];
  // How to recover is told once the brokers have reported; an annotation that was followed before is named, too.
  const isTold = async (): Promise<boolean> => {
    const { status } = await kube.condition("Cluster", cluster, { type: "Ready", status: "False", limitMs: 60_000 });
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    reason = ready?.reason ?? "";
    epoch = ready?.message?.match(/annotate the Cluster with [^"]*recover-metadata="(\d+)"/)?.[1] ?? "";
    if (epoch === "") throw new Error(`it says ${ready?.message}`);
    return true;
  };
  await until("the condition says how to recover", isTold);
  const where = ["--namespace", NAMESPACE, "annotate", "--overwrite", `cluster/${cluster.name}`];
  await kube.kubectl([...where, `${GROUP}/recover-metadata=${epoch}`]);
  await kube.condition("Cluster", cluster, { type: "Ready" });
  return reason;
}

/** A shard deleted by hand, then all put back to an older copy: the newest is what brokers were told last. */
export async function run(context: Context): Promise<string> {
  const { kube } = context;
  const cluster = { namespace: NAMESPACE, name: "forgetful" };
  await kube.makeNamespace(NAMESPACE);
  try {
    await kube.apply({
      apiVersion: `${GROUP}/${VERSION}`,
      kind: "Cluster",
      metadata: cluster,
      spec: { replicas: 3, storage: { size: "1Gi", deletionPolicy: "Delete" } },
    });
    await kube.condition("Cluster", cluster, { type: "Ready" });
    const first = await context.write(cluster, "first");
    const copies = await shards(context);
    const shard = copies.find(({ metadata }) => !metadata.name.endsWith("-root"));
    if (shard === undefined) throw new Error("there is no shard but the root");
    const remove = ["--namespace", NAMESPACE, "delete", `metadatashard/${shard.metadata.name}`];
    const lost = await damaged(context, cluster, () => kube.kubectl(remove));
    const second = await context.write(cluster, "second");
    const restore = async (): Promise<void> => {
      for (const copy of copies) {
        delete copy.metadata.resourceVersion;
        delete copy.metadata.uid;
        await kube.kubectl(["replace", "--filename=-"], JSON.stringify(copy));
      }
    };
    const rolledBack = await damaged(context, cluster, restore);
    let read = 0;
    for (const { target, ackedOf } of [first, second]) read += await context.check(target, ackedOf);
    return `${lost}, then ${rolledBack}: ${read} records of both topics are there`;
  } finally {
    await kube.core.deleteNamespace({ name: NAMESPACE });
  }
}
