import type { V1Service } from "@kubernetes/client-node";
import { LOAD_BALANCER_RANGE } from "../cluster/settings.ts";
import { type ClusterApi, mergePatch } from "./api.ts";
import type { Switch } from "./switches.ts";

const PREFIX = LOAD_BALANCER_RANGE.split(".").slice(0, 3).join(".");
const FIRST = 10;
const LAST = 250;

const isBalanced = (service: V1Service): boolean =>
  service.spec?.type === "LoadBalancer" && service.metadata?.deletionTimestamp === undefined;
const addressOf = (service: V1Service): string | undefined => service.status?.loadBalancer?.ingress?.[0]?.ip;

function freeAddress(taken: ReadonlySet<string>): string | null {
  for (let last = FIRST; last <= LAST; last++) {
    const address = `${PREFIX}.${last}`;
    if (!taken.has(address)) return address;
  }
  return null;
}

/** Gives every Service of type LoadBalancer an address of its own; kube-proxy does the rest, for machine and pods. */
export async function balanceServices(api: ClusterApi, services: readonly V1Service[], setting: Switch): Promise<void> {
  if (setting === "off") return;
  const taken = new Set(services.map(addressOf).filter((address) => address !== undefined));
  for (const service of services.filter((each) => isBalanced(each) && addressOf(each) === undefined)) {
    const { name = "", namespace = "" } = service.metadata ?? {};
    const ip = setting === "on" ? freeAddress(taken) : null;
    if (ip === null) {
      const why = setting === "fail" ? "the scenario wants it so" : "no address is free";
      await api.report({ ...service, kind: "Service" }, "SyncLoadBalancerFailed", why);
      continue;
    }
    taken.add(ip);
    const body = { status: { loadBalancer: { ingress: [{ ip, ipMode: "VIP" }] } } };
    await api.core.patchNamespacedServiceStatus({ name, namespace, body }, mergePatch);
  }
}
