import { assert } from "../base/assert.ts";
import type { BrokerId, LeaderEpoch, Offset, PartitionIndex, TimestampMs, TopicId } from "../base/ids.ts";
import { NO_TOPIC_ID } from "../base/ids.ts";
import type { BytesDraft } from "./writer.ts";

/** How a value crosses the wire. */
export type Kind =
  | "int8"
  | "int16"
  | "int32"
  | "int64"
  | "uint16"
  | "uint32"
  | "boolean"
  | "float64"
  | "uuid"
  | "string"
  | "bytes"
  | "records"
  | "array"
  | "struct";

/** Versions from `first` to `last`, both included. */
export interface VersionRange {
  readonly first: number;
  readonly last: number;
}

export type FieldValue = number | boolean | string | null | undefined | readonly never[] | Uint8Array;

/** What a field is made of; {@link Field} adds the ways to write one down. */
interface FieldParts {
  readonly kind: Kind;
  /** Versions in which the field exists; beyond those of the message it means "all". */
  readonly versions: VersionRange;
  /** Versions in which it may be null. */
  readonly nullableVersions: VersionRange | undefined;
  /** Its tag, where it is a tagged field (KIP-482). */
  readonly tag: number | undefined;
  /** What it is when it is absent; undefined for a struct, whose fields have defaults of their own. */
  readonly fallback: FieldValue;
  /** Whether an old version that lacks it may silently drop a value. */
  readonly isIgnorable: boolean;
  /** What an array holds. */
  readonly element: AnyField | undefined;
  /** What a struct holds. */
  readonly shape: Shape | undefined;
}

const ALL_VERSIONS: VersionRange = { first: 0, last: Number.POSITIVE_INFINITY };
declare const decoded: unique symbol;
declare const draft: unique symbol;
declare const optional: unique symbol;

/**
 * One field of a message, in all versions of the message at once. `Decoded` is what reading returns, `Drafted` what
 * writing takes; an `Optional` field may be left out when writing and then takes its default.
 *
 * Source of the rules (defaults, ignorable, tagged): Kafka's message definitions and KIP-482.
 */
export class Field<Decoded, Drafted = Decoded, Optional extends boolean = false> implements FieldParts {
  readonly kind: Kind;
  readonly versions: VersionRange;
  readonly nullableVersions: VersionRange | undefined;
  readonly tag: number | undefined;
  readonly fallback: FieldValue;
  readonly isIgnorable: boolean;
  readonly element: AnyField | undefined;
  readonly shape: Shape | undefined;
  declare readonly [decoded]: Decoded;
  declare readonly [draft]: Drafted;
  declare readonly [optional]: Optional;

  constructor(parts: FieldParts) {
    this.kind = parts.kind;
    this.versions = parts.versions;
    this.nullableVersions = parts.nullableVersions;
    this.tag = parts.tag;
    this.fallback = parts.fallback;
    this.isIgnorable = parts.isIgnorable;
    this.element = parts.element;
    this.shape = parts.shape;
  }

  private with<D, W, O extends boolean>(changes: Partial<FieldParts>): Field<D, W, O> {
    const { kind, versions, nullableVersions, tag, fallback, isIgnorable, element, shape } = this;
    return new Field({ kind, versions, nullableVersions, tag, fallback, isIgnorable, element, shape, ...changes });
  }

  /** The field exists from version `first` on. */
  since(first: number): Field<Decoded, Drafted, Optional> {
    return this.with({ versions: { ...this.versions, first } });
  }

  /** `last` is the last version that has the field. */
  until(last: number): Field<Decoded, Drafted, Optional> {
    return this.with({ versions: { ...this.versions, last } });
  }

  /** The field may be null from version `first` on. */
  nullable(first = 0): Field<Decoded | null, Drafted | null, Optional> {
    return this.with({ nullableVersions: { first, last: Number.POSITIVE_INFINITY } });
  }

  /** What the field is where it is absent, instead of its type's zero. May be left out when writing. */
  default(fallback: FieldValue & (Decoded | number | null)): Field<Decoded, Drafted, true> {
    return this.with({ fallback });
  }

  /** Versions without the field drop its value without complaint. May be left out when writing. */
  ignorable(): Field<Decoded, Drafted, true> {
    return this.with({ isIgnorable: true });
  }

  /** The field is a tagged one: written only when it is not its default. May be left out when writing. */
  tagged(tag: number): Field<Decoded, Drafted, true> {
    assert(this.kind !== "bytes" && this.kind !== "records", "a tagged field holds no spliced bytes");
    return this.with({ tag });
  }
}

/** Any field, for those who walk a schema rather than read values through it. */
export type AnyField = Field<unknown, unknown, boolean>;
/** A struct: its fields in wire order. Their names are Kafka's, the first letter in lower case. */
export type Shape = { readonly [field: string]: AnyField };

type DecodedOf<F> = F extends { readonly [decoded]: infer T } ? T : never;
type DraftOf<F> = F extends { readonly [draft]: infer T } ? T : never;
type OptionalKeys<S> = { [K in keyof S]: S[K] extends { readonly [optional]: true } ? K : never }[keyof S];

/** What reading a struct returns: every field, those absent in the version read with their defaults. */
export type Infer<S> = { -readonly [K in keyof S]: DecodedOf<S[K]> } & {};
/** What writing a struct takes: fields that have a default may be left out. */
export type Draft<S> = {
  readonly [K in Exclude<keyof S, OptionalKeys<S>>]: DraftOf<S[K]>;
} & { readonly [K in OptionalKeys<S>]?: DraftOf<S[K]> | undefined };

/** A field in all versions, never null, without a tag, that is not ignorable. */
const plain = (kind: Kind, parts: Partial<FieldParts>): FieldParts => ({
  kind,
  versions: ALL_VERSIONS,
  nullableVersions: undefined,
  tag: undefined,
  fallback: undefined,
  isIgnorable: false,
  element: undefined,
  shape: undefined,
  ...parts,
});

const scalar = <T>(kind: Kind, fallback: FieldValue): Field<T> => new Field(plain(kind, { fallback }));

export const int8 = scalar<number>("int8", 0);
export const int16 = scalar<number>("int16", 0);
export const int32 = scalar<number>("int32", 0);
/** A number that saturates beyond ±(2^53−1); see Reader.int64. */
export const int64 = scalar<number>("int64", 0);
export const uint16 = scalar<number>("uint16", 0);
export const uint32 = scalar<number>("uint32", 0);
export const boolean = scalar<boolean>("boolean", false);
export const float64 = scalar<number>("float64", 0);
export const uuid = scalar<string>("uuid", NO_TOPIC_ID);
export const string = scalar<string>("string", "");
export const nullableString = string.nullable();
/** A byte string, read as a view on the frame. */
export const bytes = scalar<Uint8Array>("bytes", new Uint8Array(0));
export const nullableBytes = bytes.nullable();
/** Record batches, read as a view on the frame; written without a copy, from one view or from several in order. */
export const records: Field<Uint8Array | null, BytesDraft | null> = new Field(scalar("records", null).nullable());

// Domain types enter here: nothing behind the schema handles a bare number that means one of these.
export const offset = scalar<Offset>("int64", 0);
export const leaderEpoch = scalar<LeaderEpoch>("int32", 0);
export const brokerId = scalar<BrokerId>("int32", 0);
export const partitionIndex = scalar<PartitionIndex>("int32", 0);
export const timestampMs = scalar<TimestampMs>("int64", 0);
export const topicId = scalar<TopicId>("uuid", NO_TOPIC_ID);

/** An array of scalars, or of structs given by their shape. */
export function array<T>(element: Field<T, T, boolean>): Field<T[], readonly T[]>;
export function array<const S extends Shape>(element: S): Field<Infer<S>[], readonly Draft<S>[]>;
export function array(element: AnyField | Shape): AnyField {
  return new Field(plain("array", { fallback: [], element: element instanceof Field ? element : struct(element) }));
}

export const struct = <const S extends Shape>(shape: S): Field<Infer<S>, Draft<S>> =>
  new Field(plain("struct", { shape }));

/** Whether `range` holds `version`. */
export const inRange = (range: VersionRange | undefined, version: number): boolean =>
  range !== undefined && range.first <= version && version <= range.last;
