import type { KubernetesObject } from "../ports/kubernetes.ts";
import { quantityOf } from "../specs/quantity.ts";
import { type Finding, found } from "./conditions.ts";

/** A broker's volume claim. */
export interface Claim {
  readonly name: string;
  readonly uid: string;
  readonly requested: string;
  readonly capacity: string | null;
  /** Why Kubernetes does not get on with a resize; null when it does not say so. */
  readonly complaint: string | null;
  readonly isPending: boolean;
  /** Uid of the Cluster with which it goes; null when it outlives it. */
  readonly owner: string | null;
}

interface ClaimStatus {
  readonly phase?: string;
  readonly capacity?: { readonly storage?: string };
  readonly conditions?: readonly { type: string; status: string; reason?: string; message?: string }[];
  readonly allocatedResourceStatuses?: { readonly storage?: string };
}

export const ownerUidOf = ({ metadata }: KubernetesObject): string | null =>
  metadata.ownerReferences?.find(({ kind }) => kind === "Cluster")?.uid ?? null;

export function claimOf(claim: KubernetesObject): Claim {
  const spec = claim["spec"] as { resources?: { requests?: { storage?: string } } } | undefined;
  const status = (claim["status"] ?? {}) as ClaimStatus;
  const allocated = status.allocatedResourceStatuses?.storage ?? "";
  const error = status.conditions?.find(({ type, status: is }) => type.endsWith("ResizeError") && is === "True");
  const isInfeasible = /Infeasible$|Failed$/.test(allocated);
  return {
    name: claim.metadata.name,
    uid: claim.metadata.uid ?? "",
    requested: spec?.resources?.requests?.storage ?? "0",
    capacity: status.capacity?.storage ?? null,
    complaint: error?.message ?? (isInfeasible ? `it says ${allocated}` : null),
    isPending: status.phase === "Pending",
    owner: ownerUidOf(claim),
  };
}

export interface StorageInput {
  readonly isEphemeral: boolean;
  readonly wanted: string;
  /** Size in the StatefulSet's claim template; null without a StatefulSet. */
  readonly template: string | null;
  readonly claims: readonly Claim[];
  /** What the API server said to the last try to resize; null when it took it. */
  readonly refusal: string | null;
  /** Every pod is on the newest template: the StatefulSet may be made anew without forgetting what it rolls. */
  readonly isSettled: boolean;
}

export interface StoragePlan {
  /** Claims to be made larger. */
  readonly grow: readonly Claim[];
  /** Delete the StatefulSet and leave its pods; it is made anew with the new size. */
  readonly isRemade: boolean;
  readonly finding: Finding;
}

const amount = (quantity: string | null): number => (quantity === null ? 0 : (quantityOf(quantity) ?? 0));

/**
 * Volumes grow where their class allows it. Claims first: if they are refused, nothing else has been touched. The
 * StatefulSet's own template cannot be changed, so it is replaced around its pods.
 */
export function planStorage(input: StorageInput): StoragePlan {
  const { wanted, claims, template } = input;
  const rest = (finding: Finding): StoragePlan => ({ grow: [], isRemade: false, finding });
  if (input.isEphemeral) return rest(found("True", "Ephemeral", "Data lies in the pods; there is nothing to resize."));
  const small = claims.filter((claim) => amount(claim.requested) < amount(wanted));
  const isTemplateOld = template !== null && amount(template) < amount(wanted);
  const isRemade = isTemplateOld && small.length === 0 && input.isSettled;
  if (small.length > 0) {
    const says =
      input.refusal === null
        ? found("False", "Resizing", `${names(small)} are asked to grow to ${wanted}.`)
        : found(
            "False",
            "ResizeRefused",
            `The volumes cannot grow to ${wanted}: ${input.refusal}. Use a storage class with allowVolumeExpansion; ` +
              "everything else goes on with the old size.",
          );
    return { grow: small, isRemade: false, finding: says };
  }
  const complaining = claims.find((claim) => claim.complaint !== null && amount(claim.capacity) < amount(wanted));
  if (complaining !== undefined) {
    const message = `${complaining.name} does not grow to ${wanted}: ${complaining.complaint}. See the claim's events.`;
    return { grow: [], isRemade, finding: found("False", "ResizeFailed", message) };
  }
  const growing = claims.filter((claim) => !claim.isPending && amount(claim.capacity) < amount(wanted));
  if (growing.length > 0) {
    return { grow: [], isRemade, finding: found("False", "Resizing", `${names(growing)} grow to ${wanted}.`) };
  }
  if (isTemplateOld)
    return { grow: [], isRemade, finding: found("False", "Resizing", "The StatefulSet is made anew.") };
  return rest(found("True", "AsWished", `Every volume has ${wanted}.`));
}

const names = (claims: readonly Claim[]): string => claims.map(({ name }) => name).join(", ");
