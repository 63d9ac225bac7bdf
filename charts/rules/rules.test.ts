import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { knownMetrics, seriesOf } from "../generate/registry.ts";
import { cases } from "./cases.ts";
import { metricsIn, readRules, runbookOf } from "./rule-file.ts";

const runbooks = path.resolve(import.meta.dirname, "..", "..", "docs", "runbooks");
const known = knownMetrics();
// Prometheus itself makes `up` for whatever it scrapes.
const series = new Set([...known.flatMap(seriesOf), "up"]);

test("every metric that an alert reads is one that broker or operator show", () => {
  const unknown = readRules().flatMap(({ alert, expr }) =>
    metricsIn(expr)
      .filter((name) => !series.has(name))
      .map((name) => `${alert} reads ${name}`),
  );
  expect(unknown).toEqual([]);
});

test("every alert has a runbook under its own name, and every runbook an alert", () => {
  const wanted = readRules().map(({ alert }) => runbookOf(alert));
  expect(readdirSync(runbooks).sort()).toEqual(wanted.toSorted());
  for (const { alert, annotations } of readRules()) {
    expect(annotations.runbook_url).toBe(`RUNBOOKS/${runbookOf(alert)}`);
    expect(readFileSync(path.join(runbooks, runbookOf(alert)), "utf8").split("\n")[0]).toBe(`# ${alert}`);
  }
});

test("every alert is shown to fire and to clear, and says how urgent it is", () => {
  expect(cases.map(({ alert }) => alert).sort()).toEqual(
    readRules()
      .map(({ alert }) => alert)
      .sort(),
  );
  for (const { labels } of readRules()) expect(["critical", "warning"]).toContain(labels.severity);
});

test("the metrics of a query are told from functions, labels and words", () => {
  expect(metricsIn('sum by (pod, le) (rate(a_bucket{x="y_z"}[5m])) > on (pod) b_total offset 5m')).toEqual([
    "a_bucket",
    "b_total",
  ]);
});
