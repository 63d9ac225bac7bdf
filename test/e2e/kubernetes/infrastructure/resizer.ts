import type { V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { type ClusterApi, mergePatch } from "./api.ts";
import { bytesOf } from "./quantity.ts";
import { STORAGE_CLASS, type Switch } from "./switches.ts";

const wantsMore = (claim: V1PersistentVolumeClaim): boolean =>
  claim.spec?.storageClassName === STORAGE_CLASS &&
  claim.status?.phase === "Bound" &&
  bytesOf(claim.spec.resources?.requests?.["storage"]) > bytesOf(claim.status.capacity?.["storage"]);

async function grow(api: ClusterApi, claim: V1PersistentVolumeClaim): Promise<void> {
  const { name = "", namespace = "" } = claim.metadata ?? {};
  const capacity = { storage: claim.spec?.resources?.requests?.["storage"] ?? "" };
  // The volume first: a claim must never promise more than its volume has.
  const volume = { name: claim.spec?.volumeName ?? "", body: { spec: { capacity } } };
  await api.core.patchPersistentVolume(volume, mergePatch);
  const body = { status: { capacity, conditions: [], allocatedResources: null, allocatedResourceStatuses: null } };
  await api.core.patchNamespacedPersistentVolumeClaimStatus({ name, namespace, body }, mergePatch);
}

/** What a storage system does when a claim asks for more: here folders have no limit, so only the numbers change. */
export async function resizeClaims(
  api: ClusterApi,
  claims: readonly V1PersistentVolumeClaim[],
  setting: Switch,
): Promise<void> {
  if (setting === "off") return;
  for (const claim of claims.filter(wantsMore)) {
    if (setting === "on") await grow(api, claim);
    else
      await api.report({ ...claim, kind: "PersistentVolumeClaim" }, "VolumeResizeFailed", "the scenario wants it so");
  }
}
