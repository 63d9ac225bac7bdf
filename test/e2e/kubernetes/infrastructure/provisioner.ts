import { mkdirSync, rmSync } from "node:fs";
import path from "node:path";
import type { V1PersistentVolume, V1PersistentVolumeClaim } from "@kubernetes/client-node";
import { type NodePlace, nodes } from "../cluster/settings.ts";
import { type ClusterApi, codeOf } from "./api.ts";
import { PROVISIONER, STORAGE_CLASS, type Switch } from "./switches.ts";

const SELECTED_NODE = "volume.kubernetes.io/selected-node";
const PROVISIONED_BY = "pv.kubernetes.io/provisioned-by";
const FOLDER = "tidemark.dev/folder";

const isOurs = (claim: V1PersistentVolumeClaim): boolean => claim.spec?.storageClassName === STORAGE_CLASS;

/** The class whose volumes are folders of the node on which the scheduler puts the pod. */
export async function ensureStorageClass(api: ClusterApi): Promise<void> {
  const body = {
    metadata: { name: STORAGE_CLASS, annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
    provisioner: PROVISIONER,
    reclaimPolicy: "Delete",
    volumeBindingMode: "WaitForFirstConsumer",
    allowVolumeExpansion: true,
  };
  await api.storage.createStorageClass({ body }).catch((error: unknown) => {
    if (codeOf(error) !== 409) throw error;
  });
}

/** `local` volumes, not `hostPath`: only on those does the kubelet apply a pod's fsGroup. */
function volumeFor(claim: V1PersistentVolumeClaim, node: NodePlace): V1PersistentVolume {
  const { uid = "", name = "", namespace = "", resourceVersion = "" } = claim.metadata ?? {};
  const folder = path.join(node.folder, "volumes", `${namespace}_${name}_${uid}`);
  const terms = [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [node.name] }] }];
  return {
    metadata: { name: `pvc-${uid}`, annotations: { [PROVISIONED_BY]: PROVISIONER, [FOLDER]: folder } },
    spec: {
      capacity: { storage: claim.spec?.resources?.requests?.["storage"] ?? "1Gi" },
      accessModes: claim.spec?.accessModes ?? ["ReadWriteOnce"],
      volumeMode: "Filesystem",
      persistentVolumeReclaimPolicy: "Delete",
      storageClassName: STORAGE_CLASS,
      local: { path: folder },
      nodeAffinity: { required: { nodeSelectorTerms: terms } },
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", name, namespace, uid, resourceVersion },
    },
  };
}

async function provision(api: ClusterApi, claim: V1PersistentVolumeClaim): Promise<void> {
  const chosen = claim.metadata?.annotations?.[SELECTED_NODE];
  const node = nodes.find(({ name }) => name === chosen);
  if (node === undefined) return;
  const body = volumeFor(claim, node);
  mkdirSync(body.spec?.local?.path ?? "", { recursive: true, mode: 0o777 });
  await api.core.createPersistentVolume({ body }).catch((error: unknown) => {
    if (codeOf(error) !== 409) throw error;
  });
}

/** Claims that wait for a volume: each gets one, on the node that the scheduler chose. */
export async function provisionClaims(
  api: ClusterApi,
  claims: readonly V1PersistentVolumeClaim[],
  setting: Switch,
): Promise<void> {
  if (setting === "off") return;
  const waiting = claims.filter((claim) => {
    const isFresh = claim.status?.phase === "Pending" && claim.metadata?.deletionTimestamp === undefined;
    return isOurs(claim) && isFresh && claim.metadata?.annotations?.[SELECTED_NODE] !== undefined;
  });
  for (const claim of waiting) {
    if (setting === "on") await provision(api, claim);
    else
      await api.report({ ...claim, kind: "PersistentVolumeClaim" }, "ProvisioningFailed", "the scenario wants it so");
  }
}

/** Volumes whose claim is gone: their folders go first, so that no folder is forgotten. */
export async function reclaimVolumes(api: ClusterApi, volumes: readonly V1PersistentVolume[]): Promise<void> {
  for (const volume of volumes) {
    const annotations = volume.metadata?.annotations ?? {};
    const isReleased = volume.status?.phase === "Released" || volume.status?.phase === "Failed";
    const isToGo = isReleased && volume.spec?.persistentVolumeReclaimPolicy === "Delete";
    if (annotations[PROVISIONED_BY] !== PROVISIONER || !isToGo) continue;
    const folder = annotations[FOLDER] ?? "";
    if (nodes.some((node) => folder.startsWith(`${node.folder}/volumes/`))) {
      rmSync(folder, { recursive: true, force: true });
    }
    await api.core.deletePersistentVolume({ name: volume.metadata?.name ?? "" }).catch((error: unknown) => {
      if (codeOf(error) !== 404) throw error;
    });
  }
}
