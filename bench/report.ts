import type { Summary } from "./statistics.ts";

/** One figure of both systems. `better` says which way is better; `target` is the ratio to reach, if there is one. */
export interface Row {
  readonly figure: string;
  readonly unit: string;
  readonly better: "more" | "less";
  readonly tidemark: Summary | undefined;
  readonly kafka: Summary | undefined;
  readonly target?: number;
  /** A limit on Tidemark's own figure, where the aim is not a ratio. */
  readonly limit?: number;
}

const digits = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en-US") : value.toPrecision(value < 1 ? 2 : 3);

function cell(summary: Summary | undefined, unit: string): string {
  if (summary === undefined) return "–";
  const spread = summary.runs > 1 ? ` (${digits(summary.least)} … ${digits(summary.greatest)})` : "";
  return `${digits(summary.median)} ${unit}${spread}`;
}

/** Tidemark's median over Kafka's; undefined when one of them is missing or zero. */
export function ratioOf(row: Row): number | undefined {
  if (row.tidemark === undefined || row.kafka === undefined || row.kafka.median === 0) return undefined;
  return row.tidemark.median / row.kafka.median;
}

const sign = (row: Row): string => (row.better === "more" ? "≥" : "≤");

export function isReached(row: Row): boolean | undefined {
  const [value, aim] = row.limit !== undefined ? [row.tidemark?.median, row.limit] : [ratioOf(row), row.target];
  if (value === undefined || aim === undefined) return undefined;
  return row.better === "more" ? value >= aim : value <= aim;
}

function aimOf(row: Row): string {
  if (row.limit !== undefined) return `${sign(row)} ${digits(row.limit)} ${row.unit}`;
  return row.target === undefined ? "" : `${sign(row)} ${digits(row.target)} ×`;
}

/** The rows as a Markdown table. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map((row) => {
    const ratio = ratioOf(row);
    const reached = isReached(row);
    const cells = [
      row.figure,
      cell(row.tidemark, row.unit),
      cell(row.kafka, row.unit),
      ratio === undefined ? "–" : `${digits(ratio)} ×`,
      aimOf(row),
      reached === undefined ? "" : reached ? "yes" : "no",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const head = "| figure | Tidemark | Apache Kafka | ratio | aim | reached |\n|---|---|---|---|---|---|";
  return [head, ...lines].join("\n");
}
