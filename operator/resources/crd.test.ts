import { describe, expect, test } from "@jest/globals";
import { customResourceDefinitions } from "./crd.ts";

type Node = Readonly<Record<string, unknown>>;

/** Every schema in a definition, with its path. */
function* nodes(node: Node, path: string): Generator<[string, Node]> {
  yield [path, node];
  const { properties, items, additionalProperties } = node as Record<string, Node | undefined>;
  for (const [key, part] of Object.entries(properties ?? {})) yield* nodes(part as Node, `${path}.${key}`);
  if (items !== undefined) yield* nodes(items, `${path}[]`);
  if (additionalProperties !== undefined) yield* nodes(additionalProperties, `${path}{}`);
}

const all = customResourceDefinitions().map(({ definition }) => {
  const { names, versions } = definition["spec"] as { names: Node; versions: Node[] };
  const [version = {}] = versions;
  const { openAPIV3Schema } = version["schema"] as { openAPIV3Schema: Node };
  return { kind: String(names["kind"]), version, parts: [...nodes(openAPIV3Schema, "")] };
});
const parts = all.flatMap(({ kind, parts: own }) => own.map(([path, node]) => ({ path: `${kind}${path}`, node })));
const bounded = parts.filter(({ path }) => !/^\w+\.(apiVersion|kind|metadata)$/.test(path));
const pathsOf = (found: readonly { path: string }[]): string[] => found.map(({ path }) => path);

describe("the definitions", () => {
  test("are seen whole", () => {
    expect(all.map(({ kind }) => kind)).toEqual(["Cluster", "Topic", "MetadataShard"]);
    expect(parts.length).toBeGreaterThan(150);
  });

  test("give every part one type, or are of quantities and ports", () => {
    const untyped = parts.filter(({ node }) => typeof node["type"] !== "string");
    expect(untyped.every(({ node }) => node["x-kubernetes-int-or-string"] === true)).toBe(true);
  });

  test("bound every text, list, map and number", () => {
    const bound = (type: string, ...words: string[]) =>
      pathsOf(bounded.filter(({ node }) => node["type"] === type && !words.every((word) => node[word] !== undefined)));
    const texts = bounded.filter(({ node }) => node["enum"] === undefined && node["format"] !== "date-time");
    expect(pathsOf(texts.filter(({ node }) => node["type"] === "string" && node["maxLength"] === undefined))).toEqual(
      [],
    );
    expect(bound("array", "maxItems")).toEqual([]);
    expect(bound("integer", "minimum", "maximum")).toEqual([]);
    const maps = bounded.filter(({ node }) => node["additionalProperties"] !== undefined);
    expect(maps.length).toBeGreaterThan(3);
    expect(pathsOf(maps.filter(({ node }) => node["maxProperties"] === undefined))).toEqual([]);
  });

  test("have nothing nullable, nothing that keeps unknown fields, and no words of ours", () => {
    const words = new Set(parts.flatMap(({ node }) => Object.keys(node)));
    expect([...words].filter((word) => /nullable|preserve|tidemark|additionalItems|\$/.test(word))).toEqual([]);
    expect(parts.some(({ node }) => node["additionalProperties"] === false)).toBe(false);
  });

  test("say in every rule what must be", () => {
    const rules = parts.flatMap(({ node }) => (node["x-kubernetes-validations"] ?? []) as Node[]);
    expect(rules.length).toBeGreaterThan(30);
    for (const rule of rules) {
      expect(rule["message"]).toMatch(/\bmust\b/);
      expect(Object.keys(rule).every((key) => ["rule", "message"].includes(key))).toBe(true);
    }
  });

  test("explain every field, but for those that are as in a pod", () => {
    const asInPod = /\.(affinity|tolerations|topologySpreadConstraints)\b/;
    const own = bounded.filter(({ path }) => !asInPod.test(path) && !/(\[\]|\{\})$/.test(path));
    expect(own.length).toBeGreaterThan(80);
    expect(pathsOf(own.filter(({ node }) => node["description"] === undefined))).toEqual([]);
  });

  test("have no default for what is hands-off when it is absent", () => {
    const free = parts.filter(({ path }) => /^Topic\.spec\.(partitions|replicationFactor)$/.test(path));
    expect(free.map(({ node }) => node["default"])).toEqual([undefined, undefined]);
  });

  test("show what is under-replicated and offline", () => {
    for (const { kind, version } of all.filter((one) => one.kind !== "MetadataShard")) {
      const columns = version["additionalPrinterColumns"] as { name: string; priority?: number }[];
      const narrow = columns.filter(({ priority = 0 }) => priority === 0).map(({ name }) => name);
      expect([kind, narrow]).toEqual([kind, expect.arrayContaining(["Under-replicated", "Offline", "Status", "Age"])]);
    }
  });
});
