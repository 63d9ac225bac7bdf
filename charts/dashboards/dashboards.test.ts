import { expect, test } from "@jest/globals";
import { type Known, knownMetrics, seriesOf } from "../generate/registry.ts";
import { metricsIn } from "../rules/rule-file.ts";
import { dashboards, queriesOf } from "./all.ts";

const known = knownMetrics();
const byName = new Map<string, Known[]>();
for (const one of known) for (const name of seriesOf(one)) byName.set(name, [...(byName.get(name) ?? []), one]);
/** What scraping adds to every series. */
const targetLabels = ["namespace", "pod", "container", "tidemark_cluster", "le"];

const everyQuery = Object.entries(dashboards).flatMap(([name, dashboard]) =>
  queriesOf(dashboard).map(({ panel, query }) => ({ where: `${name}: ${panel}`, query })),
);

test("there are dashboards of cluster, topic, broker and controller, and none without queries", () => {
  expect(Object.keys(dashboards).sort()).toEqual(["broker", "cluster", "controller", "topic"]);
  for (const dashboard of Object.values(dashboards)) expect(queriesOf(dashboard).length).toBeGreaterThan(10);
});

test("every metric that a panel reads is one that broker or operator show", () => {
  const unknown = everyQuery.flatMap(({ where, query }) =>
    metricsIn(query)
      .filter((name) => !byName.has(name))
      .map((name) => `${where} reads ${name}`),
  );
  expect(unknown).toEqual([]);
  expect(everyQuery.filter(({ query }) => metricsIn(query).length === 0)).toEqual([]);
});

test("every label by which a panel chooses is on the metric that it chooses from", () => {
  const wrong = everyQuery.flatMap(({ where, query }) =>
    [...query.matchAll(/([a-z_]+)\{([^}]*)\}/g)].flatMap(([, name = "", selector = ""]) => {
      const labels = [...selector.matchAll(/(\w+)=~?"/g)].map((match) => match[1] as string);
      const has = (byName.get(name) ?? []).flatMap((one) => one.labels);
      return labels
        .filter((label) => !has.includes(label) && !targetLabels.includes(label))
        .map((label) => `${where}: ${name} has no ${label}`);
    }),
  );
  expect(wrong).toEqual([]);
});

test("every metric of a broker that tells of data or requests is on some panel", () => {
  const shown = new Set(everyQuery.flatMap(({ query }) => metricsIn(query)));
  const unseen = known
    .filter(({ name }) => name.startsWith("tidemark_"))
    .filter((one) => !seriesOf(one).some((name) => shown.has(name)))
    .map(({ name }) => name);
  // A bound that nearly nobody reaches; docs/metrics.md explains it.
  expect(unseen).toEqual(["tidemark_partitions_without_series"]);
});
