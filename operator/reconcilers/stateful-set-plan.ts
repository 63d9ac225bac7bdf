import type { KubernetesObject } from "../ports/kubernetes.ts";
import type { SpecContext } from "../specs/context.ts";
import { hashOf } from "../specs/hash.ts";
import {
  FAILED_TEMPLATE_ANNOTATION,
  PREVIOUS_TEMPLATE_ANNOTATION,
  REPLACED_ANNOTATION,
  TEMPLATE_HASH_ANNOTATION,
} from "../specs/naming.ts";
import { podTemplateOf } from "../specs/pod.ts";
import { statefulSetOf } from "../specs/stateful-set.ts";

type Template = Record<string, unknown>;

interface StatefulSetParts {
  readonly spec?: {
    readonly replicas?: number;
    readonly template?: Template;
    readonly volumeClaimTemplates?: readonly {
      readonly spec?: { readonly resources?: { readonly requests?: { readonly storage?: string } } };
    }[];
  };
  readonly status?: { readonly updateRevision?: string; readonly observedGeneration?: number };
}

const partsOf = (statefulSet: KubernetesObject): StatefulSetParts => statefulSet as StatefulSetParts;

/** The newest revision; null until the StatefulSet controller has seen the newest spec. */
export function updateRevisionOf(statefulSet: KubernetesObject | null): string | null {
  if (statefulSet === null) return null;
  const { status } = partsOf(statefulSet);
  if ((status?.observedGeneration ?? 0) < (statefulSet.metadata.generation ?? 0)) return null;
  return status?.updateRevision ?? null;
}

export const replicasOf = (statefulSet: KubernetesObject | null): number | null =>
  statefulSet === null ? null : (partsOf(statefulSet).spec?.replicas ?? null);

export const claimSizeOf = (statefulSet: KubernetesObject | null): string | null =>
  (statefulSet === null ? undefined : partsOf(statefulSet))?.spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests
    ?.storage ?? null;

export const templateOf = (statefulSet: KubernetesObject | null): Template | null =>
  (statefulSet === null ? undefined : partsOf(statefulSet).spec?.template) ?? null;

export function previousTemplateOf(statefulSet: KubernetesObject | null): Template | null {
  const text = statefulSet?.metadata.annotations?.[PREVIOUS_TEMPLATE_ANNOTATION];
  if (text === undefined) return null;
  try {
    return JSON.parse(text) as Template;
  } catch {
    // Edited by hand: then there is nothing to go back to.
    return null;
  }
}

/** Which disk was given up last, with the uid of its claim. */
export const replacedOf = (statefulSet: KubernetesObject | null): string | null =>
  statefulSet?.metadata.annotations?.[REPLACED_ANNOTATION] ?? null;

/** Why the wished template is not in force: the first broker did not come back with it. Null when it is. */
export function failureOf(statefulSet: KubernetesObject | null, context: SpecContext): string | null {
  const failed = statefulSet?.metadata.annotations?.[FAILED_TEMPLATE_ANNOTATION];
  if (failed === undefined) return null;
  const [hash = "", ...words] = failed.split(" ");
  return hash === hashOf(podTemplateOf(context)) ? words.join(" ") : null;
}

/** Hash of settings that a template names. */
export function configHashOf(template: Template | null): string | null {
  const annotations = (template?.["metadata"] as { annotations?: Record<string, string> } | undefined)?.annotations;
  return annotations?.["tidemark.dev/config-hash"] ?? null;
}

export interface StatefulSetOptions {
  /** The template in force has a broker that is ready. */
  readonly isProven: boolean;
  /** Why the template in force must go; null when it may stay. */
  readonly putBack: string | null;
  /** Which disk was given up last; null when none was. */
  readonly replaced: string | null;
}

/**
 * The StatefulSet as it is to be. A template that failed is remembered by its hash, so that it is not tried again
 * before somebody has changed something; the one before it is kept as it was read, so that it makes the same revision.
 */
export function planStatefulSet(
  context: SpecContext,
  observed: KubernetesObject | null,
  { isProven, putBack, replaced }: StatefulSetOptions,
): KubernetesObject {
  const wanted = podTemplateOf(context);
  const hash = hashOf(wanted);
  const note: Record<string, string> = replaced === null ? {} : { [REPLACED_ANNOTATION]: replaced };
  const make = (template: Template, more: Record<string, string>): KubernetesObject =>
    withClaimSize(
      statefulSetOf(context, { template, annotations: { [TEMPLATE_HASH_ANNOTATION]: hash, ...note, ...more } }),
      claimSizeOf(observed),
    );
  if (observed === null) return make(wanted, {});
  const annotations = observed.metadata.annotations ?? {};
  const kept = annotations[PREVIOUS_TEMPLATE_ANNOTATION];
  const previous = previousTemplateOf(observed);
  const failed = annotations[FAILED_TEMPLATE_ANNOTATION];
  const isFailed = failed?.split(" ")[0] === hash;
  if (previous !== null && kept !== undefined && (isFailed || putBack !== null)) {
    const failure = isFailed ? failed : `${hash} ${putBack}`;
    return make(previous, { [PREVIOUS_TEMPLATE_ANNOTATION]: kept, [FAILED_TEMPLATE_ANNOTATION]: failure });
  }
  const isSame = annotations[TEMPLATE_HASH_ANNOTATION] === hash;
  const present = templateOf(observed);
  const before = !isSame && isProven && present !== null ? JSON.stringify(present) : kept;
  return make(wanted, before === undefined ? {} : { [PREVIOUS_TEMPLATE_ANNOTATION]: before });
}

/** Claim templates cannot be changed: what is there stays until the StatefulSet is made anew. */
function withClaimSize(statefulSet: KubernetesObject, size: string | null): KubernetesObject {
  const { spec } = partsOf(statefulSet);
  if (size === null || spec?.volumeClaimTemplates === undefined) return statefulSet;
  const volumeClaimTemplates = spec.volumeClaimTemplates.map((claim) => ({
    ...claim,
    spec: { ...claim.spec, resources: { requests: { storage: size } } },
  }));
  return { ...statefulSet, spec: { ...spec, volumeClaimTemplates } };
}
