import type { Schema } from "../../operator/resources/check.ts";
import { clusterSchema } from "../../operator/resources/cluster.ts";
import { topicSchema } from "../../operator/resources/topic.ts";

/** Fields that are copied from Kubernetes: its own documents explain what is in them. */
const AS_IN_A_POD = new Set(["affinity", "tolerations", "topologySpreadConstraints"]);

const INTRODUCTION = [
  "# Custom resources",
  "Group `tidemark.dev`, version `v1alpha1`: `Cluster` (`kubectl get tmc`) and `Topic` (`tmt`), " +
    "both in `kubectl get tidemark`. `MetadataShard` is internal: whoever changes or deletes one takes a cluster's " +
    "memory away. This page is written by `make crds` out of `operator/resources/`, as `crds/` is. " +
    "The definitions need Kubernetes 1.30 or newer and no webhook; they were run on 1.34.",
  "",
  "`tidemark up` reads the same files on one machine. It takes numbers, `true` and `false` in a `config` without " +
    "quotes too, needs no `storage`, and names the fields marked ☸, which count on Kubernetes only.",
  "",
].join("\n");

/** docs/resources.md: every field and every rule, out of the schemas. */
export const referencePage = (): string =>
  [
    INTRODUCTION,
    ...pagePart("Cluster", clusterSchema as unknown as Schema),
    ...pagePart("Topic", topicSchema as unknown as Schema),
  ].join("\n");

function pagePart(kind: string, schema: Schema): string[] {
  const { spec = {}, status = {} } = schema.properties ?? {};
  return [
    `## ${kind}\n${schema.description ?? ""}\n`,
    table("spec", spec),
    `### What must hold\n${ruleLines(kind, schema).join("\n")}\n`,
    `### Status of a ${kind}\n`,
    table("status", status),
  ];
}

const table = (section: string, schema: Schema): string =>
  ["| field | type | default | meaning |", "|---|---|---|---|", ...rowsOf(schema, section), ""].join("\n");

function rowsOf(schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([key, part]) => {
    const isRequired = (schema.required ?? []).includes(key);
    const cells = [
      `\`${path}.${key}\`${part["x-tidemark-kubernetes-only"] === true ? " ☸" : ""}`,
      typeOf(part),
      isRequired ? "required" : part.default === undefined ? "" : `\`${JSON.stringify(part.default)}\``,
      (part.description ?? "").replaceAll("|", "\\|"),
    ];
    const row = `| ${cells.join(" | ")} |`;
    if (AS_IN_A_POD.has(key) || key === "conditions") return [row];
    const items = part.items;
    return items === undefined ? [row, ...rowsOf(part, `${path}.${key}`)] : [row, ...rowsOf(items, `${path}.${key}[]`)];
  });
}

function typeOf(schema: Schema): string {
  if (schema.enum !== undefined) return schema.enum.map((word) => `\`${String(word)}\``).join(", ");
  if (schema["x-kubernetes-int-or-string"] === true)
    return schema.maximum === undefined ? "quantity" : "number or text";
  if (schema.patternProperties !== undefined) return `map of text, at most ${schema.maxProperties}`;
  switch (schema.type) {
    case "integer":
      return `number, ${schema.minimum} to ${schema.maximum === Number.MAX_SAFE_INTEGER ? "2^53 − 1" : schema.maximum}`;
    case "string":
      return `text, at most ${schema.maxLength}`;
    case "array":
      return `list, at most ${schema.maxItems}`;
    case "boolean":
      return "true or false";
    default:
      return "fields";
  }
}

/** What rules say, each once, with the fields that it is said of. */
function ruleLines(kind: string, schema: Schema): string[] {
  const fields = new Map<string, string[]>();
  for (const { path, says } of rulesOf(schema, "")) {
    fields.set(says, [...(fields.get(says) ?? []), `\`${path === "" ? kind : path}\``]);
  }
  return [...fields].map(([says, paths]) => `- ${paths.join(", ")}: ${says}`);
}

function rulesOf(schema: Schema, path: string): { path: string; says: string }[] {
  const own = (schema["x-kubernetes-validations"] ?? []).map(({ message }) => message);
  const must = schema["x-tidemark-must"];
  const all = must === undefined ? own : [...new Set([`must ${must}`, ...own])];
  const { spec } = schema.properties ?? {};
  const parts = path === "" && spec !== undefined ? [["spec", spec] as const] : Object.entries(schema.properties ?? {});
  const values = Object.values(schema.patternProperties ?? {})[0];
  return [
    ...all.map((says) => ({ path, says })),
    ...parts.flatMap(([key, part]) => rulesOf(part, path === "" ? key : `${path}.${key}`)),
    ...(schema.items === undefined ? [] : rulesOf(schema.items, `${path}[]`)),
    ...(values === undefined ? [] : rulesOf(values, `${path}.*`)),
  ];
}
