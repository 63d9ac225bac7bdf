import type { ApiServer } from "./api-server.ts";
import { cluster, type Kind, topic, type Value } from "./case.ts";
import { pathOf, replaceSchema, schemaOf, until } from "./installed.ts";
import { objectOf } from "./judge.ts";

type Node = Readonly<Record<string, unknown>>;
type Steps = readonly string[];

interface Found {
  readonly path: string;
  readonly rule: string;
  /** Where its node is in the schema, and which of the node's rules it is. */
  readonly steps: Steps;
  readonly index: number;
}

/** Every rule in a schema. */
function* rulesIn(node: Node, path: string, steps: Steps): Generator<Found> {
  const own = (node["x-kubernetes-validations"] ?? []) as { rule: string }[];
  for (const [index, { rule }] of own.entries()) yield { path, rule, steps, index };
  for (const [key, part] of Object.entries((node["properties"] ?? {}) as Record<string, Node>)) {
    yield* rulesIn(part, path === "" ? key : `${path}.${key}`, [...steps, "properties", key]);
  }
  for (const word of ["items", "additionalProperties"]) {
    if (node[word] !== undefined) yield* rulesIn(node[word] as Node, path, [...steps, word]);
  }
}

function without(node: Node, [step, ...rest]: Steps, index: number): Node {
  if (step !== undefined) return { ...node, [step]: without(node[step] as Node, rest, index) };
  const rules = node["x-kubernetes-validations"] as readonly unknown[];
  return { ...node, "x-kubernetes-validations": rules.filter((_, at) => at !== index) };
}

/** A case that may notice that a rule is gone. */
export interface Notice {
  readonly kind: Kind;
  /** The field that it is about; "" = any. */
  readonly about: string;
  judge(): Promise<string | null>;
}

/** For every rule of a kind: it is taken away, and then some case must fail, or the rule or a case is one too many. */
export const ruleRemovals = (server: ApiServer, kind: Kind, notices: readonly Notice[]) =>
  [...rulesIn(schemaOf(kind) as Node, "", [])].map((found, number) => ({
    says: `${kind} ${found.path} without ${found.rule}`,
    async judge(): Promise<string | null> {
      const { path, steps, index } = found;
      const mark = `mark${number}`;
      await replaceSchema(server, kind, marked(without(schemaOf(kind) as Node, steps, index), mark));
      await until(`${kind} has ${mark}`, () => knows(server, kind, mark));
      for (const { kind: of, about, judge } of notices) {
        const mayNotice = of === kind && (about.startsWith(path) || path.startsWith(about));
        if (mayNotice && (await judge()) !== null) return null;
      }
      return "no case fails";
    },
  }));

/** Whether a schema with this field is in force: a new one counts a little after it is written. */
async function knows(server: ApiServer, kind: Kind, mark: string): Promise<boolean> {
  const spec = { ...(kind === "Cluster" ? cluster() : topic()), [mark]: true };
  const target = `${pathOf(kind)}?dryRun=All&fieldValidation=Strict`;
  const { status } = await server.call({ method: "POST", path: target, body: objectOf(kind, "a", spec) });
  return status === 201;
}

/** A field of its own tells when a schema has come into force. */
function marked(schema: Node, mark: string): Node {
  const properties = schema["properties"] as Record<string, Value>;
  const spec = properties["spec"] as { properties: Value };
  return {
    ...schema,
    properties: { ...properties, spec: { ...spec, properties: { ...spec.properties, [mark]: { type: "boolean" } } } },
  };
}
