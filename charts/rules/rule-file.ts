import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";

/** One alert of the chart. */
export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: { readonly severity: string };
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string };
}

export const ruleFile = path.resolve(import.meta.dirname, "..", "tidemark", "rules", "tidemark.yaml");

export const rulesOf = (text: string): Rule[] =>
  (parse(text) as { groups: readonly { rules: readonly Rule[] }[] }).groups.flatMap(({ rules }) => rules);

export const readRules = (): Rule[] => rulesOf(readFileSync(ruleFile, "utf8"));

/** Where an alert's runbook is, below docs/runbooks. */
export const runbookOf = (alert: string): string => `${alert.replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase()}.md`;

const words = new Set(
  [
    "and or unless by without on ignoring group_left group_right offset bool inf nan",
    "sum min max avg count topk bottomk quantile stddev rate irate increase delta deriv",
    "histogram_quantile absent clamp_min clamp_max label_replace vector time",
  ]
    .join(" ")
    .split(" "),
);

/** Names of the metrics that a query reads. */
export function metricsIn(query: string): string[] {
  const bare = query
    .replace(/"(?:[^"\\]|\\.)*"/g, '""')
    .replace(/\{[^}]*\}/g, "")
    .replace(/\[[^\]]*\]/g, "")
    .replace(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, "");
  const names = [...bare.matchAll(/(?<![\w.$])[a-zA-Z_:][\w:]*/g)].map((match) => match[0]);
  return [...new Set(names)].filter((name) => !words.has(name));
}
