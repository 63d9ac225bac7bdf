import { parseDocument } from "yaml";

/**
 * A custom resource definition as the chart ships it: it belongs to the release, so that upgrades bring it up to date,
 * and `helm uninstall` leaves it, because every Cluster and Topic would go with it.
 */
export function chartCrd(text: string, source: string): string {
  const document = parseDocument(text);
  const kind = document.get("kind");
  if (kind !== "CustomResourceDefinition") throw new Error(`${source} is no CustomResourceDefinition but ${kind}`);
  document.setIn(["metadata", "annotations", "helm.sh/resource-policy"], "keep");
  return document.toString({ lineWidth: 120 });
}
