/*
 * Clients that others wrote, each through every feature it has, against three real brokers: one line a cell, then
 * docs/compatibility.md. A plain program; exit code 1 when a cell fails, or one that worked in the committed page does
 * not work any more. `--clients` and `--features` take names with commas: then the page is not written.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Cell, nameOf, oneLine } from "./cell.ts";
import type { Client } from "./client.ts";
import { clients } from "./clients.ts";
import { Cluster } from "./cluster.ts";
import { Driver } from "./driver.ts";
import { lostSince, page, type Results } from "./page.ts";
import { killStarted, root } from "./program.ts";
import { featuresOf, type Selection, selectionOf } from "./selection.ts";
import { unavailable } from "./unavailable.ts";

const pageFile = path.join(root, "docs", "compatibility.md");

const said: Readonly<Record<Cell["outcome"], string>> = {
  works: "ok      ",
  absent: "absent  ",
  failed: "FAILED  ",
  notRun: "not run ",
};

function report(cell: Cell): Cell {
  const why = cell.why === "" ? "" : `: ${cell.why}`;
  process.stdout.write(`${said[cell.outcome]}${cell.client}, ${cell.feature}${why}\n`);
  return cell;
}

/** Every asked cell of one client; its version is "" where it cannot be had. */
async function tried(
  client: Client,
  cluster: Cluster,
  selection: Selection,
): Promise<{ version: string; cells: Cell[] }> {
  const installed = await client.install();
  const cells: Cell[] = [];
  for (const { name: feature, run } of featuresOf(client, selection)) {
    const lack = client.lacks[feature];
    const cell = { client: client.name, feature };
    if (lack !== undefined) {
      cells.push(report({ ...cell, outcome: "absent", why: lack }));
      continue;
    }
    if (!installed.ok) {
      cells.push(report({ ...cell, outcome: "notRun", why: installed.reason }));
      continue;
    }
    const topic = nameOf(client.name, feature);
    const { command } = installed;
    try {
      await run({ cluster, command, topic, driver: new Driver(command, { bootstrap: cluster.bootstrap, topic }) });
      cells.push(report({ ...cell, outcome: "works", why: "" }));
    } catch (error) {
      cells.push(
        report({ ...cell, outcome: "failed", why: oneLine(Error.isError(error) ? error.message : String(error)) }),
      );
    }
    // What a failed cell left running must not disturb the next.
    killStarted();
  }
  return { version: installed.ok ? installed.version : "", cells };
}

async function main(selection: Selection): Promise<number> {
  const cluster = new Cluster();
  process.once("exit", () => cluster.abandon());
  const cells: Cell[] = [];
  const versions = new Map<string, string>();
  try {
    await cluster.start();
    for (const client of selection.clients) {
      const result = await tried(client, cluster, selection);
      versions.set(client.name, result.version);
      cells.push(...result.cells);
    }
  } finally {
    await cluster.dispose();
  }
  const lost = selection.isWhole ? written({ clients, versions, cells }) : [];
  const count = (outcome: Cell["outcome"]): number => cells.filter((cell) => cell.outcome === outcome).length;
  process.stdout.write(`${count("absent")} absent from their client, ${count("notRun")} not to be had here\n`);
  process.stdout.write(`conformance: ${count("works")} passed, ${count("failed")} failed\n`);
  return count("failed") + lost.length === 0 && count("works") > 0 ? 0 : 1;
}

/** Writes the page, unless something that worked in it is lost: then answers what. */
function written(results: Results): readonly string[] {
  for (const { name, why } of unavailable) process.stdout.write(`not run ${name}: ${why}\n`);
  const lost = lostSince(readFileSync(pageFile, "utf8"), results.cells);
  for (const cell of lost) process.stdout.write(`LOST    ${cell}: the committed page says that it works\n`);
  if (lost.length === 0) writeFileSync(pageFile, page(results));
  return lost;
}

const selection = selectionOf(process.argv.slice(2), clients);
if (typeof selection === "string") {
  process.stderr.write(`${selection}\n`);
  process.exit(2);
}
// Broken off, it leaves no process behind.
process.once("exit", killStarted);
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(1));
process.exit(await main(selection));
