import type { KubernetesObject } from "../ports/kubernetes.ts";
import { hashOf } from "../specs/hash.ts";
import { matches } from "../specs/matches.ts";
import { SPEC_HASH_ANNOTATION } from "../specs/naming.ts";

/** An object with the hash of what is asked for, so that a field that is no longer named is noticed. */
export const stamped = (object: KubernetesObject): KubernetesObject => ({
  ...object,
  metadata: {
    ...object.metadata,
    annotations: { ...object.metadata.annotations, [SPEC_HASH_ANNOTATION]: hashOf(object) },
  },
});

/** What of an object does not change by itself. */
function contentOf(object: KubernetesObject): string {
  const { status: _, metadata, ...rest } = object;
  return hashOf({
    ...rest,
    labels: metadata.labels,
    annotations: metadata.annotations,
    owners: metadata.ownerReferences,
  });
}

/**
 * Knows what need not be applied again. Anything else than what is asked for is put back; but where the API server
 * writes a value in another way than we do, its answer to our last try counts as what we asked for.
 */
export class ApplyMemory {
  readonly #answers = new Map<string, { wanted: string; content: string }>();

  needsApply(wanted: KubernetesObject, observed: KubernetesObject | null): boolean {
    if (observed === null) return true;
    const hash = wanted.metadata.annotations?.[SPEC_HASH_ANNOTATION];
    if (observed.metadata.annotations?.[SPEC_HASH_ANNOTATION] !== hash) return true;
    if (matches(wanted, observed)) return false;
    const answer = this.#answers.get(keyOf(wanted));
    return answer === undefined || answer.wanted !== hash || answer.content !== contentOf(observed);
  }

  applied(wanted: KubernetesObject, answer: KubernetesObject): void {
    const hash = wanted.metadata.annotations?.[SPEC_HASH_ANNOTATION] ?? "";
    this.#answers.set(keyOf(wanted), { wanted: hash, content: contentOf(answer) });
  }
}

const keyOf = ({ kind, metadata }: KubernetesObject): string => `${metadata.namespace}/${kind}/${metadata.name}`;
