import type { MetadataOwner } from "../../ports/cluster-control.ts";

/** Spec of a `MetadataShard` object. Root: the registry and the list of shards; Rows: about a thousand rows. */
export interface ShardSpec {
  readonly kind: "Root" | "Rows";
  /** Of the write that left the object as it is. */
  readonly controllerEpoch: number;
  readonly sequence: number;
  /** Incarnation of the controller that wrote it. */
  readonly writer: string;
  /** Text that only the store reads; one string, so that the API server tracks no fields in it. */
  readonly data: string;
}

/** A `MetadataShard` object as read. Metadata other than the name belongs to whoever set it and is kept. */
export interface ShardObject {
  readonly metadata: {
    readonly name: string;
    readonly resourceVersion?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly ownerReferences?: readonly MetadataOwner[];
    readonly [key: string]: unknown;
  };
  readonly spec: ShardSpec;
}

/**
 * `unknown`: no answer in time, or one that says nothing of the outcome. `refused`: the API server will not have it;
 * sending it again may help once somebody has changed what it objects to (rights, quota).
 */
export type ShardReply<T> =
  | { readonly kind: "ok"; readonly value: T }
  | { readonly kind: "missing" }
  | { readonly kind: "conflict" }
  | { readonly kind: "unknown"; readonly reason: string }
  | { readonly kind: "refused"; readonly reason: string };

/** The `MetadataShard` objects of one cluster. Reads are quorum reads. Never rejects. */
export interface ShardObjects {
  get(name: string): Promise<ShardReply<ShardObject>>;
  /** Every one that carries the cluster's label, or its name. */
  list(): Promise<ShardReply<readonly ShardObject[]>>;
  /** `conflict`: there is one of that name. */
  create(object: ShardObject): Promise<ShardReply<ShardObject>>;
  /** Compare-and-swap on `metadata.resourceVersion`. */
  replace(object: ShardObject): Promise<ShardReply<ShardObject>>;
}

export const rootName = (cluster: string): string => `${cluster}-root`;
export const shardName = (cluster: string, index: number): string => `${cluster}-${index}`;

export const isSameSpec = (a: ShardSpec, b: ShardSpec): boolean =>
  a.data === b.data &&
  a.sequence === b.sequence &&
  a.controllerEpoch === b.controllerEpoch &&
  a.writer === b.writer &&
  a.kind === b.kind;
