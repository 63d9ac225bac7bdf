export type Kind = "Cluster" | "Topic" | "MetadataShard";
export type Value = Readonly<Record<string, unknown>>;

/** One object, and whether the API server takes it. */
export interface CreateCase {
  readonly says: string;
  readonly kind: Kind;
  readonly name?: string;
  readonly spec: unknown;
  /** A part of the message; absent: it is accepted. */
  readonly refused?: string;
  /** What the stored spec has in it, defaults among them. */
  readonly becomes?: Value;
  /** Why `tidemark up`, which reads the same files, judges otherwise. */
  readonly localDiffers?: string;
}

/** One status, written over an object of its kind. */
export interface StatusCase {
  readonly says: string;
  readonly kind: Kind;
  readonly status: unknown;
  readonly refused?: string;
}

/** What is written over an object that exists. */
export interface UpdateCase {
  readonly says: string;
  readonly kind: Kind;
  readonly before: Value;
  readonly status?: Value;
  /** The whole spec; the number of brokers through the scale subresource; or a label, and the spec as it was. */
  readonly after: { readonly spec: Value } | { readonly scale: number } | { readonly label: string };
  readonly refused?: string;
}

export const PLURALS: Readonly<Record<Kind, string>> = {
  Cluster: "clusters",
  Topic: "topics",
  MetadataShard: "metadatashards",
};

/** Specs that are right, to be changed in one place. */
export const cluster = (over: Value = {}): Value => ({ replicas: 3, storage: { size: "10Gi" }, ...over });
export const topic = (over: Value = {}): Value => ({ clusterRef: { name: "c" }, ...over });
