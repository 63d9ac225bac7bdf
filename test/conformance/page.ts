import type { Cell } from "./cell.ts";
import type { Client } from "./client.ts";
import { unavailable } from "./unavailable.ts";

const marks: Readonly<Record<Cell["outcome"], string>> = {
  works: "works",
  absent: "–",
  failed: "**fails**",
  notRun: "not run",
};

export interface Results {
  readonly clients: readonly Client[];
  /** Of each client that could be had, by name. */
  readonly versions: ReadonlyMap<string, string>;
  readonly cells: readonly Cell[];
}

const row = (...columns: readonly string[]): string => `| ${columns.join(" | ")} |\n`;
/** Under which name a cell is known to be lost. */
export const keyOf = ({ client, feature }: { client: string; feature: string }): string => `${client}: ${feature}`;

/** A table with a row a feature and a column a client. */
function table(clients: readonly Client[], cells: readonly Cell[]): string {
  const names = clients.map(({ name }) => name);
  const rows = (clients[0]?.features ?? []).map(({ name: feature }) => {
    const of = (client: string): string => {
      const cell = cells.find((each) => each.client === client && each.feature === feature);
      return cell === undefined ? "" : marks[cell.outcome];
    };
    return row(feature, ...names.map(of));
  });
  return row("feature", ...names) + row("---", ...names.map(() => "---")) + rows.join("");
}

/** Clients that are asked the same, in one table each. */
function tables({ clients, cells }: Results): string {
  const groups = Map.groupBy(clients, ({ features }) => features);
  return [...groups.values()].map((group) => table(group, cells)).join("\n");
}

/** Each reason once, with everything that it is the reason of. */
function reasons(cells: readonly Cell[]): string {
  const groups = Map.groupBy(
    cells.filter(({ why }) => why !== ""),
    ({ client, outcome, why }) => `${client}, ${marks[outcome]}: ${why}`,
  );
  return [...groups].map(([why, group]) => `- ${why} (${group.map(({ feature }) => feature).join(", ")})\n`).join("");
}

/** docs/compatibility.md. */
export function page(results: Results): string {
  const { clients, versions, cells } = results;
  const works = cells.filter(({ outcome }) => outcome === "works").length;
  const known = clients.map(({ name, language }) => row(name, language, versions.get(name) || "not to be had here"));
  const features = new Map(clients.flatMap(({ features: list }) => list.map(({ name, what }) => [name, what])));
  return `# Compatibility
Programs that others wrote for Kafka, each run against three brokers of Tidemark by \`make conformance\`, which writes
this page: ${works} of ${cells.length} cells work. A cell is a test that ran when the page was written. What works
here only grows: a run in which one of these cells does not work any more fails, and leaves the page as it is.

A cell does not believe its client: what was written is read by a second client and looked at on the brokers' disks,
commits are asked for by another admin client, replicas and leaders are what the controller says. \`–\` is what a client
does not have. Transactions are refused to every client (InitProducerId with a transactional id), and so are groups of
KIP-848: [protocol.md](protocol.md).

| program | language | version |
| --- | --- | --- |
${known.join("")}
## What works
${tables(results)}
## What the rows mean
${[...features].map(([name, what]) => `- **${name}**: ${what}\n`).join("")}
## What does not, and why
${reasons(cells)}${unavailable.map(({ name, why }) => `- ${name}, not run: ${why}\n`).join("")}`;
}

/** Names of the cells that a page says work. */
export function worksIn(text: string): Set<string> {
  const works = new Set<string>();
  let names: readonly string[] = [];
  for (const line of text.split("\n")) {
    const columns = line.split("|").slice(1, -1);
    const [feature = "", ...outcomes] = columns.map((column) => column.trim());
    if (feature === "feature") names = outcomes;
    for (const [at, outcome] of outcomes.entries()) {
      if (outcome === marks.works) works.add(keyOf({ client: names[at] ?? "", feature }));
    }
  }
  return works;
}

/** What worked when the committed page was written, and does not in this run. */
export function lostSince(committed: string, cells: readonly Cell[]): string[] {
  const works = new Set(cells.filter(({ outcome }) => outcome === "works").map(keyOf));
  return [...worksIn(committed)].filter((key) => !works.has(key));
}
