import { isMap, type Schema } from "./check.ts";
import { type Cluster, clusterSchema } from "./cluster.ts";
import { type Topic, topicSchema } from "./topic.ts";

/** Fields that are given and valid but count on Kubernetes only, each once: "Cluster spec.rack". */
export function fieldsWithoutEffect(cluster: Cluster | null, topics: readonly Topic[]): string[] {
  const found = new Set<string>();
  const look = (kind: string, schema: unknown, value: unknown): void => {
    for (const path of without((schema as Schema).properties?.["spec"] ?? {}, value, "spec")) {
      found.add(`${kind} ${path}`);
    }
  };
  if (cluster !== null) look("Cluster", clusterSchema, cluster.spec);
  for (const topic of topics) look("Topic", topicSchema, topic.spec);
  return [...found];
}

function without(schema: Schema, value: unknown, path: string): string[] {
  const only = schema["x-tidemark-kubernetes-only"];
  if (only === true) return [path];
  if (only !== undefined && only.includes(String(value))) return [`${path}: ${String(value)}`];
  if (Array.isArray(value)) {
    const most = schema["x-tidemark-local-items-max"] ?? Infinity;
    return value.flatMap((part, index) =>
      index >= most ? [`${path}[${index}]`] : without(schema.items ?? {}, part, `${path}[${index}]`),
    );
  }
  if (!isMap(value)) return [];
  const fields = schema.properties ?? {};
  return Object.entries(value).flatMap(([key, part]) => without(fields[key] ?? {}, part, `${path}.${key}`));
}
