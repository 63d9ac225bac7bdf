/**
 * A rule that a value must keep, in CEL for the API server and, where the value alone decides, the same in TypeScript
 * for `tidemark up`. `test/crds/` asks a real API server whether both judge alike.
 */
export interface Rule {
  readonly rule: string;
  /** Goes on after the field's path: what must be, and what to do. */
  readonly message: string;
  /** Absent where only the API server can tell: what it was before, or that this is Kubernetes. */
  readonly holds?: (value: never) => boolean;
}

/** The rules of one field, as a word of its schema. */
export const rules = (...all: readonly Rule[]): { "x-kubernetes-validations": readonly Rule[] } => ({
  "x-kubernetes-validations": all,
});

/** A pattern and, for people, what it asks in words. The generator makes a rule of both. */
export const matching = (pattern: string, must: string): { pattern: string; "x-tidemark-must": string } => ({
  pattern,
  "x-tidemark-must": must,
});

/** A text of CEL; patterns keep their backslashes. */
export const celText = (text: string): string => (text.includes("'") ? JSON.stringify(text) : `r'${text}'`);
