import { BigValueColorMode, BigValueGraphMode, ReduceDataOptionsBuilder } from "@grafana/grafana-foundation-sdk/common";
import * as dashboard from "@grafana/grafana-foundation-sdk/dashboard";
import { DataqueryBuilder } from "@grafana/grafana-foundation-sdk/prometheus";
import { PanelBuilder as StatPanel } from "@grafana/grafana-foundation-sdk/stat";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";

/** One line of a graph, or several: a query and how its series are called. */
export interface Line {
  readonly query: string;
  readonly legend: string;
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** In Grafana's words: label_values(metric, label). */
  readonly query: string;
  readonly isMany?: boolean;
}

interface PanelOptions {
  readonly title: string;
  readonly description: string;
  readonly unit?: string;
}

export interface StatOptions extends PanelOptions {
  readonly query: string;
  /** From this value on it is red; below, green. */
  readonly badFrom?: number;
  /** Below this value it is red; from it on, green. */
  readonly goodFrom?: number;
}

export interface GraphOptions extends PanelOptions {
  readonly lines: readonly Line[];
  readonly min?: number;
}

const SOURCE = { type: "prometheus", uid: "$" + "{source}" };
/** Grafana has 24 columns. */
const STAT_COLUMNS = 4;
const GRAPH_COLUMNS = 12;

function queryOf(refId: string, { query, legend }: Line): DataqueryBuilder {
  return new DataqueryBuilder().refId(refId).expr(query).legendFormat(legend).datasource(SOURCE);
}

function thresholds({ badFrom, goodFrom }: StatOptions): dashboard.ThresholdsConfigBuilder {
  const steps =
    goodFrom === undefined
      ? [{ value: null, color: "green" }, ...(badFrom === undefined ? [] : [{ value: badFrom, color: "red" }])]
      : [
          { value: null, color: "red" },
          { value: goodFrom, color: "green" },
        ];
  return new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps(steps);
}

/** One number: how it is now. */
export const stat = (options: StatOptions): StatPanel =>
  new StatPanel()
    .title(options.title)
    .description(options.description)
    .unit(options.unit ?? "short")
    .datasource(SOURCE)
    .span(STAT_COLUMNS)
    .height(4)
    .graphMode(BigValueGraphMode.Area)
    .colorMode(BigValueColorMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(["lastNotNull"]))
    .thresholds(thresholds(options))
    .withTarget(queryOf("A", { query: options.query, legend: options.title }));

/** How it went. */
export function graph(options: GraphOptions): GraphPanel {
  const panel = new GraphPanel()
    .title(options.title)
    .description(options.description)
    .unit(options.unit ?? "short")
    .datasource(SOURCE)
    .span(GRAPH_COLUMNS)
    .height(8)
    .min(options.min ?? 0)
    .fillOpacity(8);
  for (const [index, line] of options.lines.entries()) {
    panel.withTarget(queryOf(String.fromCharCode(65 + index), line));
  }
  return panel;
}

function variable({ name, label, query, isMany = false }: Variable): dashboard.QueryVariableBuilder {
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(label)
    .query(query)
    .datasource(SOURCE)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc);
  return isMany ? builder.multi(true).includeAll(true).allValue(".*") : builder;
}

/** A dashboard of rows; each row has its panels from left to right. */
export function board(
  about: { uid: string; title: string; description: string },
  variables: readonly Variable[],
  rows: readonly { readonly title: string; readonly panels: readonly (StatPanel | GraphPanel)[] }[],
): dashboard.Dashboard {
  const source = new dashboard.DatasourceVariableBuilder("source").label("Data source").type("prometheus");
  const builder = new dashboard.DashboardBuilder(about.title)
    .uid(about.uid)
    .description(about.description)
    .tags(["tidemark"])
    .timezone("browser")
    .refresh("30s")
    .time({ from: "now-1h", to: "now" })
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .withVariable(source);
  for (const one of variables) builder.withVariable(variable(one));
  let id = 0;
  for (const { title, panels } of rows) {
    builder.withRow(new dashboard.RowBuilder(title).id((id += 1)));
    for (const panel of panels) builder.withPanel(panel.id((id += 1)));
  }
  return builder.build();
}

/** Variables by which dashboards of brokers choose a cluster. */
export const clusterVariables: readonly Variable[] = [
  { name: "namespace", label: "Namespace", query: "label_values(tidemark_partitions, namespace)" },
  {
    name: "cluster",
    label: "Cluster",
    query: 'label_values(tidemark_partitions{namespace="$namespace"}, tidemark_cluster)',
  },
];

/** Selects the chosen cluster's brokers; `more` is added to it. */
export const ofCluster = (more = ""): string =>
  `{namespace="$namespace",tidemark_cluster="$cluster"${more === "" ? "" : `,${more}`}}`;

/** A quantile of a histogram's buckets over time, by the labels named. */
export const quantileOf = (quantile: number, { by, buckets }: { by: string; buckets: string }): string =>
  `histogram_quantile(${quantile}, sum by (${by}) (rate(${buckets}[$__rate_interval])))`;

/** Selects the chosen cluster in what its controller says. */
export const ofController = (more = ""): string =>
  `{tidemark_namespace="$namespace",tidemark_cluster="$cluster"${more === "" ? "" : `,${more}`}}`;
