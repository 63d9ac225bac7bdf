import type { ClusterResource } from "../specs/custom-resources.ts";
import { RECOVER_ANNOTATION } from "../specs/naming.ts";

/** Why a person's word to rebuild lost metadata is not followed; null without one, or when it is. */
export function recoveryRefusal({ metadata }: ClusterResource, newestEpoch: number | null): string | null {
  const wish = metadata.annotations?.[RECOVER_ANNOTATION];
  if (wish === undefined || wish === String(newestEpoch)) return null;
  const newest =
    newestEpoch === null ? "no broker has reported any yet" : `the newest that brokers hold is ${newestEpoch}`;
  return `The annotation ${RECOVER_ANNOTATION}="${wish}" is not followed: ${newest}.`;
}
