/*
 * Every alert fires by its fault and clears without it, in Prometheus' own evaluation: `node charts/rules/main.ts`.
 * Needs promtool: `PROMTOOL`, the one on the PATH, or Debian's, unpacked into .cache.
 */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { prometheusProgram } from "../debian-prometheus.ts";
import { type Case, cases } from "./cases.ts";
import { type Rule, ruleFile, rulesOf } from "./rule-file.ts";

const RUNBOOKS = "https://runbooks.test";

/** Go's templates as far as summaries use them. */
const filled = (text: string, labels: Readonly<Record<string, string>>): string =>
  text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_, name: string) => labels[name] ?? "");

/** What promtool is to expect of one alert at a minute. Summaries that show a value are not compared. */
function expectation(rule: Rule, one: Case, minute: number, isFiring: boolean): object {
  const { severity } = rule.labels;
  const { description, summary, runbook_url: runbook } = rule.annotations;
  const annotations = {
    summary: filled(summary, one.labels),
    description: filled(description, one.labels),
    runbook_url: runbook,
  };
  return {
    eval_time: `${minute}m`,
    alertname: one.alert,
    exp_alerts: isFiring ? [{ exp_labels: { severity, ...one.labels }, exp_annotations: annotations }] : [],
  };
}

function testOf(rule: Rule, one: Case): object {
  return {
    interval: "1m",
    input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
    alert_rule_test: [
      ...(one.waitsAtMinute === undefined ? [] : [expectation(rule, one, one.waitsAtMinute, false)]),
      expectation(rule, one, one.firesAtMinute, true),
      expectation(rule, one, one.clearAtMinute, false),
    ],
  };
}

function run(program: string, args: readonly string[], folder: string): void {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: folder, encoding: "utf8" });
  if (status === 0) return;
  process.stderr.write(`rules: promtool ${args.join(" ")} ended with ${status}\n${stdout}${stderr}`);
  process.exit(1);
}

const program = prometheusProgram("promtool");
// A summary's value is told by its template in the cases that fire; the tests compare everything else.
const text = readFileSync(ruleFile, "utf8").replaceAll("RUNBOOKS", RUNBOOKS);
const rules = rulesOf(text);
const withoutValues = text.replace(/\{\{ \$value[^}]*\}\}/g, "some");
const folder = mkdtempSync(path.join(tmpdir(), "tidemark-rules-"));
try {
  writeFileSync(path.join(folder, "as-shipped.yaml"), text);
  writeFileSync(path.join(folder, "rules.yaml"), withoutValues);
  const byName = new Map(rulesOf(withoutValues).map((rule) => [rule.alert, rule]));
  const tests = cases.map((one) => {
    const rule = byName.get(one.alert);
    if (rule === undefined) throw new Error(`there is a case of ${one.alert}, which is no alert`);
    return testOf(rule, one);
  });
  const untested = rules.filter(({ alert }) => !cases.some((one) => one.alert === alert));
  if (untested.length > 0) throw new Error(`no case fires ${untested.map(({ alert }) => alert).join(", ")}`);
  writeFileSync(path.join(folder, "tests.yaml"), stringify({ rule_files: ["rules.yaml"], tests }));
  run(program, ["check", "rules", "as-shipped.yaml"], folder);
  run(program, ["test", "rules", "tests.yaml"], folder);
} finally {
  rmSync(folder, { recursive: true });
}
process.stdout.write(
  `rules: ${rules.length} alerts, each seen firing by its fault and clearing without it, by promtool\n`,
);
