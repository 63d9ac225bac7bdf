import type { Rule } from "./cel.ts";
import { nearest } from "./nearest.ts";

/** The words of JSON Schema that the resources use, Kubernetes' among them, and ours: they begin with `x-tidemark`. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly default?: unknown;
  readonly format?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly maxProperties?: number;
  readonly "x-kubernetes-int-or-string"?: boolean;
  readonly "x-kubernetes-list-type"?: "map" | "set";
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
  readonly "x-kubernetes-validations"?: readonly Rule[];
  /** Says the pattern in words. */
  readonly "x-tidemark-must"?: string;
  /** Has no effect on one machine: never, or with these values. */
  readonly "x-tidemark-kubernetes-only"?: true | readonly string[];
  /** Further items have no effect on one machine. */
  readonly "x-tidemark-local-items-max"?: number;
}

/** Where a value breaks its schema, and how: `says` goes on after the path. */
export interface Breach {
  readonly path: string;
  readonly says: string;
}

const words: Readonly<Record<string, string>> = {
  object: "a map of fields",
  array: "a list",
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

function typesOf(value: unknown): readonly string[] {
  if (value === null || value === undefined) return ["null"];
  if (Array.isArray(value)) return ["array"];
  if (typeof value === "number") return Number.isInteger(value) ? ["integer", "number"] : ["number"];
  return [typeof value];
}

/** A value as people wrote it, cut to fit a line. */
export function show(value: unknown): string {
  const text = typeof value === "string" ? JSON.stringify(value) : (JSON.stringify(value) ?? String(value));
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

export const isMap = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const join = (path: string, key: string): string => {
  const part = /^[A-Za-z_][\w-]*$/.test(key) ? key : JSON.stringify(key);
  return path === "" ? part : `${path}.${part}`;
};

/** Every breach of `schema` in `value`, in the order of the fields; empty when it fits. */
export function breaches(schema: Schema, value: unknown, path = ""): Breach[] {
  if (schema.const !== undefined && value !== schema.const) {
    return [{ path, says: `must be ${show(schema.const)}, not ${show(value)}` }];
  }
  const allowed = schema.type === undefined ? [] : [schema.type].flat();
  if (allowed.length > 0 && !typesOf(value).some((type) => allowed.includes(type))) {
    const wanted = allowed.map((type) => words[type] ?? type).join(" or ");
    return [
      { path, says: value === null ? `is empty; it must be ${wanted}` : `must be ${wanted}, not ${show(value)}` },
    ];
  }
  const found = partBreaches(schema, value, path);
  return found.length > 0 ? found : ruleBreaches(schema, value, path);
}

function partBreaches(schema: Schema, value: unknown, path: string): Breach[] {
  if (isMap(value)) return mapBreaches(schema, value, path);
  if (Array.isArray(value)) return listBreaches(schema, value, path);
  const says = scalarBreach(schema, value);
  return says === null ? [] : [{ path, says }];
}

/** Rules of CEL that say the same in TypeScript; like the API server's, only of what has the right shape. */
const ruleBreaches = (schema: Schema, value: unknown, path: string): Breach[] =>
  (schema["x-kubernetes-validations"] ?? [])
    .filter(({ holds }) => holds !== undefined && !holds(value as never))
    .map(({ message }) => ({ path, says: message }));

function scalarBreach(schema: Schema, value: unknown): string | null {
  if (schema.enum !== undefined && !schema.enum.includes(value)) {
    const meant = typeof value === "string" ? nearest(value, schema.enum.map(String)) : null;
    const hint = meant === null ? "" : `; did you mean ${meant}?`;
    return `must be one of ${schema.enum.join(", ")}, not ${show(value)}${hint}`;
  }
  if (typeof value === "number") {
    if (schema.minimum !== undefined && value < schema.minimum)
      return `must be at least ${schema.minimum}, not ${value}`;
    if (schema.maximum !== undefined && value > schema.maximum)
      return `must be at most ${schema.maximum}, not ${value}`;
  }
  if (typeof value === "string") {
    if (schema.maxLength !== undefined && value.length > schema.maxLength) {
      return `must have at most ${schema.maxLength} characters, not ${value.length}`;
    }
    const isTooShort = value.length < (schema.minLength ?? 0);
    if (isTooShort) return "must not be empty";
    if (schema.pattern !== undefined && !new RegExp(schema.pattern).test(value)) {
      return `must ${schema["x-tidemark-must"] ?? `match ${schema.pattern}`}, not ${show(value)}`;
    }
  }
  return null;
}

function mapBreaches(schema: Schema, value: Record<string, unknown>, path: string): Breach[] {
  const found: Breach[] = [];
  const known = schema.properties ?? {};
  for (const key of schema.required ?? []) {
    if (!(key in value)) found.push({ path: join(path, key), says: "is missing" });
  }
  const keysMax = schema.maxProperties ?? Infinity;
  const keyCount = Object.keys(value).length;
  if (keyCount > keysMax) found.push({ path, says: `must have at most ${keysMax} keys, not ${keyCount}` });
  const others = Object.values(schema.patternProperties ?? {})[0];
  for (const [key, part] of Object.entries(value)) {
    const of = Object.hasOwn(known, key) ? known[key] : others;
    if (of !== undefined) found.push(...breaches(of, part, join(path, key)));
    else if (schema.additionalProperties === false) found.push(unknownField(join(path, key), key, Object.keys(known)));
  }
  return found;
}

function unknownField(path: string, key: string, names: readonly string[]): Breach {
  const meant = nearest(key, names);
  const hint = meant === null ? `known fields: ${names.join(", ")}` : `did you mean ${meant}?`;
  return { path, says: `is an unknown field; ${hint}` };
}

function listBreaches(schema: Schema, value: readonly unknown[], path: string): Breach[] {
  if (schema.minItems !== undefined && value.length < schema.minItems) {
    return [{ path, says: `must have at least ${schema.minItems} item` }];
  }
  if (schema.maxItems !== undefined && value.length > schema.maxItems) {
    return [
      {
        path,
        says: `must have at most ${schema.maxItems} item${schema.maxItems === 1 ? "" : "s"}, not ${value.length}`,
      },
    ];
  }
  const items = schema.items;
  if (items === undefined) return [];
  const found = value.flatMap((part, index) => breaches(items, part, `${path}[${index}]`));
  return found.length > 0 ? found : duplicateBreaches(schema, value, path);
}

/** Items of a set, or of a map written as a list, that are there twice. */
function duplicateBreaches(schema: Schema, value: readonly unknown[], path: string): Breach[] {
  if (schema["x-kubernetes-list-type"] === undefined) return [];
  const seen = new Set<string>();
  const found: Breach[] = [];
  for (const [index, part] of value.entries()) {
    const key = identityOf(schema, part);
    if (seen.has(key)) found.push({ path: `${path}[${index}]`, says: `is there twice (${key}); remove one` });
    seen.add(key);
  }
  return found;
}

function identityOf(schema: Schema, part: unknown): string {
  const keys = schema["x-kubernetes-list-map-keys"];
  if (keys === undefined) return show(part);
  const fields = schema.items?.properties ?? {};
  return keys.map((key) => `${key} ${show((part as Record<string, unknown>)[key] ?? fields[key]?.default)}`).join(", ");
}
