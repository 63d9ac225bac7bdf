import { setTimeout as sleep } from "node:timers/promises";
import type { V1ConfigMap, V1PersistentVolume, V1PersistentVolumeClaim, V1Service } from "@kubernetes/client-node";
import { kubeconfigFile } from "../cluster/settings.ts";
import { ClusterApi, codeOf } from "./api.ts";
import { balanceServices } from "./load-balancer.ts";
import { ensureStorageClass, provisionClaims, reclaimVolumes } from "./provisioner.ts";
import { resizeClaims } from "./resizer.ts";
import { SWITCHES_NAME, SWITCHES_NAMESPACE, switchesOf } from "./switches.ts";

/*
 * What a cloud does for a Kubernetes, played by this machine: volumes, their growth, load balancers. Runs beside the
 * cluster until that is taken down.
 */

const RESYNC_MS = 2000;
const say = (line: string): void => void process.stdout.write(`${new Date().toISOString()} ${line}\n`);

const api = new ClusterApi(kubeconfigFile);
let wake: () => void = () => undefined;
const onChange = (): void => wake();

const switchesPath = `/api/v1/namespaces/${SWITCHES_NAMESPACE}/configmaps`;
const listSwitches = () => api.core.listNamespacedConfigMap({ namespace: SWITCHES_NAMESPACE });
const allClaims = () => api.core.listPersistentVolumeClaimForAllNamespaces();
const maps = api.watched<V1ConfigMap>(switchesPath, listSwitches, onChange);
const claims = api.watched<V1PersistentVolumeClaim>("/api/v1/persistentvolumeclaims", allClaims, onChange);
const volumes = api.watched<V1PersistentVolume>(
  "/api/v1/persistentvolumes",
  () => api.core.listPersistentVolume(),
  onChange,
);
const services = api.watched<V1Service>("/api/v1/services", () => api.core.listServiceForAllNamespaces(), onChange);

async function attempt(what: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    // A conflict or an API server that is away: the next round sees what is left to do.
    say(`${what}: ${codeOf(error) ?? ""} ${Error.isError(error) ? error.message.split("\n")[0] : String(error)}`);
  }
}

async function round(): Promise<void> {
  const switches = switchesOf(maps.list().find(({ metadata }) => metadata?.name === SWITCHES_NAME));
  await attempt("provision", () => provisionClaims(api, claims.list(), switches.provisioner));
  await attempt("reclaim", () => reclaimVolumes(api, volumes.list()));
  await attempt("resize", () => resizeClaims(api, claims.list(), switches.resizer));
  await attempt("balance", () => balanceServices(api, services.list(), switches.loadBalancer));
}

await ensureStorageClass(api);
say("ready");
for (;;) {
  const woken = new Promise<void>((resolve) => {
    wake = resolve;
  });
  await round();
  await Promise.race([woken, sleep(RESYNC_MS)]);
}
