import type { Schema } from "../../operator/resources/check.ts";
import type { Value } from "./case.ts";

/** One value of a spec or status that lies at a limit of its schema, or just beyond. */
export interface Limit {
  readonly says: string;
  readonly value: Value;
  readonly isAllowed: boolean;
  /** Field that the refusal must name. */
  readonly field: string;
}

type Step = string | number;

/**
 * Every limit of every field of a schema, tried one at a time in a value that has all fields.
 * @throws when `whole` lacks a field, or no text can be made that is as long as one may be.
 */
export function limitsOf(schema: Schema, whole: Value, root: string): Limit[] {
  const found: Limit[] = [];
  visit({ schema, value: whole, steps: [], isOptional: false }, (limit, steps) => {
    const path = steps.reduce<string>(
      (so, step) => (typeof step === "number" ? `${so}[${step}]` : `${so}.${step}`),
      root,
    );
    const named = steps.findLast((step) => typeof step === "string") ?? root;
    const { says, to, isAllowed, field = String(named) } = limit;
    found.push({ says: `${path}: ${says}`, value: replaced(whole, steps, to) as Value, isAllowed, field });
  });
  return found;
}

interface Place {
  readonly schema: Schema;
  readonly value: unknown;
  readonly steps: readonly Step[];
  readonly isOptional: boolean;
}
interface Trial {
  readonly says: string;
  readonly to: unknown;
  readonly isAllowed: boolean;
  readonly field?: string;
}
type Emit = (trial: Trial, steps: readonly Step[]) => void;

const allowed = (says: string, to: unknown): Trial => ({ says, to, isAllowed: true });
const refused = (says: string, to: unknown, field?: string): Trial => ({
  says,
  to,
  isAllowed: false,
  ...(field === undefined ? {} : { field }),
});

function visit(place: Place, emit: Emit): void {
  const { schema, value, steps } = place;
  if (value === undefined) throw new Error(`everything.ts has no ${steps.join(".")}: add it`);
  for (const trial of trialsOf(schema, value)) emit(trial, steps);
  if (schema.properties !== undefined) visitFields(place, emit);
  else if (schema.items !== undefined) visit(part(schema.items, (value as unknown[])[0], [...steps, 0]), emit);
  else if (schema.patternProperties !== undefined) {
    const [key = ""] = Object.keys(value as object);
    const values = Object.values(schema.patternProperties)[0] ?? {};
    visit(part(values, (value as Value)[key], [...steps, key]), emit);
  }
}

const part = (schema: Schema, value: unknown, steps: readonly Step[], isOptional = false): Place => ({
  schema,
  value,
  steps,
  isOptional,
});

function visitFields({ schema, value, steps }: Place, emit: Emit): void {
  const required = schema.required ?? [];
  emit(refused("an unknown field", { ...(value as Value), notAField: 1 }, "notAField"), steps);
  for (const [key, of] of Object.entries(schema.properties ?? {})) {
    const isRequired = required.includes(key);
    if (isRequired) {
      const { [key]: _, ...rest } = value as Value;
      emit(refused(`without ${key}`, rest, key), steps);
    }
    visit(part(of, (value as Value)[key], [...steps, key], !isRequired), emit);
  }
}

function trialsOf(schema: Schema, value: unknown): Trial[] {
  if (schema.enum !== undefined) {
    return [...schema.enum.map((word) => allowed(`${word}`, word)), refused("another word", "other"), refused("5", 5)];
  }
  switch (schema.type) {
    case "integer":
      return integerTrials(schema);
    case "string":
      return textTrials(schema);
    case "boolean":
      return [allowed("true", true), allowed("false", false), refused("a text", "true"), refused("a number", 1)];
    case "array":
      return listTrials(schema, value as readonly unknown[]);
    case "object":
      return [refused("a text", "text"), refused("a list", []), ...mapTrials(schema, value as Value)];
    default:
      return quantityTrials(schema);
  }
}

function integerTrials({ minimum = 0, maximum = 0 }: Schema): Trial[] {
  return [
    allowed("the least", minimum),
    allowed("the most", maximum),
    refused("less than the least", minimum - 1),
    refused("more than the most", maximum + 1),
    refused("a broken number", 1.5),
    refused("a text", "1"),
  ];
}

/** An int-or-string: a port template or a quantity. */
function quantityTrials({ maximum }: Schema): Trial[] {
  const isPort = maximum !== undefined;
  return [
    allowed("a number", isPort ? maximum : 2 ** 30),
    allowed("a text", isPort ? "31000+{ordinal}" : "1Gi"),
    refused("zero", 0),
    refused("less than zero", -1),
    refused("words", "12 GB"),
    refused("nothing", ""),
    refused("a truth value", true),
    ...(isPort ? [refused("too large a port", maximum + 1)] : []),
  ];
}

function textTrials(schema: Schema): Trial[] {
  if (schema.format === "date-time") return [refused("no time", "yesterday"), refused("a number", 5)];
  const { minLength = 0, maxLength = 0 } = schema;
  return [
    allowed("as long as may be", longest(schema, maxLength)),
    refused("too long", longest({}, maxLength + 1)),
    refused("a number", 5),
    refused("a map", { a: 1 }),
    ...(minLength > 0 ? [refused("empty", "")] : []),
    ...(schema.pattern === undefined ? [] : [refused("signs that are not allowed", "a b!")]),
  ];
}

/** A text of exactly so many characters that the schema's pattern allows. */
function longest({ pattern = "" }: Schema, length: number): string {
  const labelKey = `${"a".repeat(Math.max(0, length - 64))}/${"a".repeat(63)}`;
  const candidates = ["a".repeat(length), labelKey];
  const found = candidates.find((text) => text.length === length && new RegExp(pattern).test(text));
  if (found === undefined) throw new Error(`no text of ${length} characters matches ${pattern}`);
  return found;
}

function listTrials(schema: Schema, [first]: readonly unknown[]): Trial[] {
  const { minItems = 0, maxItems = 0 } = schema;
  const many = (count: number): unknown[] => Array.from({ length: count }, (_, index) => varied(schema, first, index));
  const isSet = schema["x-kubernetes-list-type"] !== undefined;
  return [
    allowed("as many items as may be", many(maxItems)),
    refused("an item too many", many(maxItems + 1)),
    refused("a text", "text"),
    minItems > 0 ? refused("no item", []) : allowed("no item", []),
    ...(isSet ? [refused("an item twice", [first, first])] : []),
  ];
}

/** Another item than the first: another key in a map, another port. */
function varied(schema: Schema, first: unknown, index: number): unknown {
  if (typeof first === "string") return schema["x-kubernetes-list-type"] === undefined ? first : `${first}${index}`;
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const item = first as Value;
  const changed = keys.map((key) => [key, `${String(item[key]).slice(0, 8)}${index}`]);
  const port = typeof item["port"] === "number" ? { port: item["port"] + index } : {};
  return { ...item, ...Object.fromEntries(changed), ...port };
}

function mapTrials(schema: Schema, value: Value): Trial[] {
  const { maxProperties } = schema;
  if (maxProperties === undefined) return [];
  const hasRules = schema["x-kubernetes-validations"] !== undefined;
  const [one] = Object.values(value);
  const many = (count: number): Value =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, one]));
  return [
    allowed("no key", {}),
    allowed("as many keys as may be", many(maxProperties)),
    refused("a key too many", many(maxProperties + 1)),
    refused("a number as value", { a: 1 }),
    // Deep in lists of lists keys are not looked at: the rule would cost too much there.
    ...(hasRules
      ? [refused("a key too long", { ["k".repeat(400)]: one }), refused("a key of nothing", { "": one })]
      : []),
  ];
}

function replaced(value: unknown, [step, ...rest]: readonly Step[], to: unknown): unknown {
  if (step === undefined) return to;
  if (typeof step === "number") {
    return (value as unknown[]).map((item, index) => (index === step ? replaced(item, rest, to) : item));
  }
  return { ...(value as Value), [step]: replaced((value as Value)[step], rest, to) };
}
