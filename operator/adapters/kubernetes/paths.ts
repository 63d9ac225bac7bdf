import { type Kind, kinds } from "../../ports/kubernetes.ts";

/** Path of all objects of a kind, in one namespace or in all. */
export function collectionPath(kind: Kind, namespace: string | null): string {
  const { apiVersion, plural } = kinds[kind];
  const group = apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return namespace === null ? `${group}/${plural}` : `${group}/namespaces/${encodeURIComponent(namespace)}/${plural}`;
}

export const objectPath = ({ kind, namespace, name }: { kind: Kind; namespace: string; name: string }): string =>
  `${collectionPath(kind, namespace === "" ? null : namespace)}/${encodeURIComponent(name)}`;

export function selectorQuery(labels: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const parts = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return parts.length === 0 ? {} : { labelSelector: parts.join(",") };
}
