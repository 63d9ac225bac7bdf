import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { parse } from "yaml";
import { NODE_FLAGS } from "../broker/contract/node-flags.ts";
import { VERSION } from "../operator/adapters/process/version.ts";
import { CLUSTER_RELABELING } from "../operator/specs/policies.ts";
import { chartCrd } from "./generate/crds.ts";
import { generatedFiles, leftovers } from "./generate/generated.ts";
import { valuesOf } from "./generate/readme.ts";

const root = path.resolve(import.meta.dirname, "..");
const read = (name: string): string => readFileSync(path.join(root, name), "utf8");

test("what the chart takes from elsewhere is as `make chart` writes it", () => {
  const generated = generatedFiles(root);
  for (const file of generated) expect({ path: file.path, text: read(file.path) }).toEqual(file);
  expect(leftovers(root, generated)).toEqual([]);
});

test("the chart's version, the image's, the operator's and the package's are one", () => {
  const { version, appVersion } = parse(read("charts/tidemark/Chart.yaml"));
  expect([version, appVersion, VERSION]).toEqual(Array(3).fill(JSON.parse(read("package.json")).version));
});

test("every value is in the schema, and the schema knows no other", () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>;
  }
  const namesIn = (value: unknown, schema: Schema, prefix: string): string[] => {
    if (schema.properties === undefined) return [prefix];
    const known = Object.entries(schema.properties);
    const has = (value ?? {}) as Record<string, unknown>;
    return known.flatMap(([name, below]) => namesIn(has[name], below, prefix === "" ? name : `${prefix}.${name}`));
  };
  const values = parse(read("charts/tidemark/values.yaml"));
  const schema = JSON.parse(read("charts/tidemark/values.schema.json"));
  const inSchema = namesIn(values, schema, "").map((name) => name.replace(/^resources\..*/, "resources"));
  const described = valuesOf(read("charts/tidemark/values.yaml")).map(({ key }) => key);
  // Helm hands `global` to every chart; what a pod's resources may hold is Kubernetes' to say.
  expect([...new Set(inSchema)].filter((name) => name !== "global").sort()).toEqual(described.sort());
});

test("a definition is kept when the release goes, whatever annotations it has", () => {
  const crd =
    "kind: CustomResourceDefinition\nmetadata:\n  annotations:\n    a: b\n  name: x\nspec:\n  n: 2147483647\n";
  expect(parse(chartCrd(crd, "x.yaml"))).toEqual({
    kind: "CustomResourceDefinition",
    metadata: { annotations: { a: "b", "helm.sh/resource-policy": "keep" }, name: "x" },
    spec: { n: 2147483647 },
  });
  expect(() => chartCrd("kind: Pod\n", "y.yaml")).toThrow("y.yaml is no CustomResourceDefinition but Pod");
});

test("a value that nobody has described is refused", () => {
  expect(() => valuesOf("a:\n  # Good.\n  b: 1\n  c: 2\n")).toThrow("a.c has no comment");
});

test("the operator's process has the flags of every other process of ours, and its heap's bound", () => {
  const lines = read("charts/tidemark/templates/deployment.yaml").split("\n");
  const flags = lines.flatMap((line) => /^ +- (--\S+)/.exec(line)?.[1] ?? []);
  expect(flags).toEqual([...NODE_FLAGS, "--max-old-space-size={{"]);
});

test("the chart's PodMonitor names clusters as a Cluster's own does", () => {
  const [, relabelings = ""] =
    /relabelings:\n((?: {8,}.*\n)+)/.exec(read("charts/tidemark/templates/monitoring.yaml")) ?? [];
  expect(parse(relabelings)).toEqual([CLUSTER_RELABELING]);
});
