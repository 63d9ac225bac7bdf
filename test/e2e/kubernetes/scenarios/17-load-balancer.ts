import { until } from "../cluster/shell.ts";
import type { Context } from "../context.ts";
import { GROUP, VERSION } from "../kube.ts";

export const name = "produce through load balancers and node ports";

const NAMESPACE = "outside";

interface Listener {
  readonly name: string;
  readonly bootstrap: string;
}

/** From outside: every address that clients are told must be one of that listener's. */
export async function run(context: Context): Promise<string> {
  const { kube } = context;
  const cluster = { namespace: NAMESPACE, name: "open" };
  await kube.makeNamespace(NAMESPACE);
  try {
    await kube.apply({
      apiVersion: `${GROUP}/${VERSION}`,
      kind: "Cluster",
      metadata: cluster,
      spec: {
        replicas: 3,
        storage: { ephemeral: true },
        listeners: [
          { name: "internal", port: 9092 },
          { name: "balanced", port: 9094, type: "loadbalancer" },
          { name: "ports", port: 9095, type: "nodeport" },
        ],
      },
    });
    await kube.condition("Cluster", cluster, { type: "Ready" });
    const told: string[] = [];
    for (const listener of ["balanced", "ports"]) {
      let bootstrap = "";
      const isKnown = async (): Promise<boolean> => {
        const listeners = ((await kube.read("Cluster", cluster))?.status?.["listeners"] ?? []) as Listener[];
        bootstrap = listeners.find((each) => each.name === listener)?.bootstrap ?? "";
        return bootstrap !== "";
      };
      await until(`status tells the bootstrap address of ${listener}`, isKnown);
      const { target, ackedOf } = await context.write(cluster, `through-${listener}`, { bootstrap });
      const addresses = await context.brokerAddresses(bootstrap);
      const inside = addresses.filter((address) => address.includes(".svc"));
      if (inside.length > 0) throw new Error(`clients of ${listener} are told ${inside.join(", ")}`);
      told.push(`${listener}: ${await context.check(target, ackedOf)} records by way of ${addresses.join(", ")}`);
    }
    return told.join("; ");
  } finally {
    await kube.core.deleteNamespace({ name: NAMESPACE });
  }
}
