import { type Rule, celText } from "./cel.ts";
import type { Schema } from "./check.ts";

/** A part of an OpenAPI v3 schema as CustomResourceDefinitions have it. */
export type Structural = Readonly<Record<string, unknown>>;

/** Words that stand in the definition as in our schema. */
const KEPT = [
  "description",
  "default",
  "format",
  "enum",
  "minimum",
  "maximum",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "maxProperties",
  "required",
  "x-kubernetes-int-or-string",
  "x-kubernetes-list-type",
  "x-kubernetes-list-map-keys",
] as const;

/** The structural schema of one of ours: no unions, only words that Kubernetes knows. What is unknown is pruned. */
export function structural(schema: Schema): Structural {
  const isIntOrString = schema["x-kubernetes-int-or-string"] === true;
  const kept = KEPT.filter((word) => schema[word] !== undefined).map((word) => [word, schema[word]] as const);
  const own = rulesOf(schema);
  const { items, properties, patternProperties } = schema;
  const values = Object.values(patternProperties ?? {})[0];
  return {
    ...(isIntOrString ? {} : { type: schema.type }),
    ...Object.fromEntries(kept),
    ...patternOf(schema),
    ...(own.length === 0 ? {} : { "x-kubernetes-validations": own }),
    ...(items === undefined ? {} : { items: structural(items) }),
    ...(values === undefined ? {} : { additionalProperties: structural(values) }),
    ...(properties === undefined ? {} : { properties: mapValues(properties, structural) }),
  };
}

const mapValues = <From, To>(record: Readonly<Record<string, From>>, to: (value: From) => To): Record<string, To> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));

/** A pattern said in words becomes a rule, so that people read them; CEL takes an int-or-string for huge, though. */
const isSaidInWords = (schema: Schema): boolean =>
  schema["x-tidemark-must"] !== undefined && schema["x-kubernetes-int-or-string"] !== true;

function patternOf(schema: Schema): { pattern?: string } {
  if (schema.pattern === undefined || isSaidInWords(schema)) return {};
  // Rules speak for both types of a value; a pattern beside them would say the same twice.
  const hasRules = schema["x-kubernetes-validations"] !== undefined;
  return schema["x-kubernetes-int-or-string"] === true && hasRules ? {} : { pattern: schema.pattern };
}

function rulesOf(schema: Schema): Rule[] {
  const own = schema["x-kubernetes-validations"] ?? [];
  const written = own.map(({ holds: _, ...rule }) => rule);
  if (schema.pattern === undefined || !isSaidInWords(schema)) return written;
  const matches = `self.matches(${celText(schema.pattern)})`;
  return [{ rule: matches, message: `must ${schema["x-tidemark-must"]}` }, ...written];
}
