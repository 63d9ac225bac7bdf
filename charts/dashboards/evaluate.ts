import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { metricsIn, type Rule } from "../rules/rule-file.ts";
import { queriesOf } from "./all.ts";

/** What a dashboard's variables stand for: namespace, cluster, and patterns for `pod` and `topic`. */
export type Chosen = Readonly<Record<string, string>>;

/** What a query gave. */
export interface Evaluated {
  readonly where: string;
  readonly query: string;
  /** Series in the result; null when Prometheus refused the query, in `error`'s words. */
  readonly series: number | null;
  readonly error: string;
}

const REFRESH = "1m";

/** A panel's query with Grafana's variables filled in. */
export const withVariables = (query: string, chosen: Chosen): string =>
  query
    .replaceAll("$__rate_interval", REFRESH)
    .replace(/\$\{?(\w+)\}?/g, (whole, name: string) => chosen[name] ?? whole);

async function instant(prometheus: string, query: string): Promise<{ series: number | null; error: string }> {
  const response = await fetch(`${prometheus}/api/v1/query`, { method: "POST", body: new URLSearchParams({ query }) });
  const answer = (await response.json()) as { status: string; error?: string; data?: { result: readonly unknown[] } };
  if (answer.status !== "success") return { series: null, error: answer.error ?? `HTTP ${response.status}` };
  return { series: answer.data?.result.length ?? 0, error: "" };
}

/** Asks a running Prometheus every query of a dashboard. */
export async function evaluateDashboard(
  prometheus: string,
  dashboard: Dashboard,
  chosen: Chosen,
): Promise<readonly Evaluated[]> {
  const asked: Evaluated[] = [];
  for (const { panel, query } of queriesOf(dashboard)) {
    const filled = withVariables(query, chosen);
    asked.push({ where: `${dashboard.title}: ${panel}`, query: filled, ...(await instant(prometheus, filled)) });
  }
  return asked;
}

/** The same of several, one after another. */
export async function evaluateDashboards(
  prometheus: string,
  dashboards: readonly Dashboard[],
  chosen: Chosen,
): Promise<readonly Evaluated[]> {
  const asked: Evaluated[] = [];
  for (const dashboard of dashboards) asked.push(...(await evaluateDashboard(prometheus, dashboard, chosen)));
  return asked;
}

/** Asks a running Prometheus for every metric that an alert reads: an alert on nothing would never fire. */
export async function evaluateRules(prometheus: string, rules: readonly Rule[]): Promise<readonly Evaluated[]> {
  const asked: Evaluated[] = [];
  for (const { alert, expr } of rules) {
    const whole = await instant(prometheus, expr);
    if (whole.series === null) asked.push({ where: alert, query: expr, ...whole });
    for (const name of metricsIn(expr)) {
      asked.push({ where: alert, query: name, ...(await instant(prometheus, name)) });
    }
  }
  return asked;
}
