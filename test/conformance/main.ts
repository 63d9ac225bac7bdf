/*
 * Clients that others wrote, each through every feature it has, against three real brokers: one line a cell, then
 * docs/compatibility.md. A plain program; exit code 1 when a cell fails, or one that worked in the committed page does
 * not work any more. `--clients` and `--features` take names with commas: then the page is not written, nor with
 * `--ci`, which runs a part that takes minutes and in which every cell has to work.
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Cell, nameOf, oneLine } from "./cell.ts";
import type { Client } from "./client.ts";
import { clients } from "./clients.ts";
import { Cluster } from "./cluster.ts";
import { Driver } from "./driver.ts";
import type { Feature } from "./features/feature.ts";
import { keyOf, lostSince, page, type Results } from "./page.ts";
import { type Command, killStarted, root } from "./program.ts";
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

type Outcome = Pick<Cell, "outcome" | "why">;

/** Runs one feature under a topic of its own, and ends what it left running when it failed. */
async function outcomeOf({ run }: Feature, command: Command, place: Place): Promise<Outcome> {
  const { cluster, topic } = place;
  try {
    await run({ cluster, command, topic, driver: new Driver(command, { bootstrap: cluster.bootstrap, topic }) });
    return { outcome: "works", why: "" };
  } catch (error) {
    return { outcome: "failed", why: oneLine(Error.isError(error) ? error.message : String(error)) };
  } finally {
    killStarted();
  }
}

interface Place {
  readonly cluster: Cluster;
  readonly topic: string;
}

/** Every asked cell of one client; its version is "" where it cannot be had. */
async function tried(client: Client, cluster: Cluster, asked: readonly Feature[]): Promise<Tried> {
  const installed = await client.install();
  const cells: Cell[] = [];
  for (const feature of asked) {
    const lack = client.lacks[feature.name];
    const topic = nameOf(client.name, feature.name);
    const outcome: Outcome =
      lack !== undefined
        ? { outcome: "absent", why: lack }
        : installed.ok
          ? await outcomeOf(feature, installed.command, { cluster, topic })
          : { outcome: "notRun", why: installed.reason };
    cells.push(report({ client: client.name, feature: feature.name, ...outcome }));
  }
  return { version: installed.ok ? installed.version : "", cells };
}

interface Tried {
  readonly version: string;
  readonly cells: readonly Cell[];
}

async function main(selection: Selection): Promise<number> {
  const cluster = new Cluster();
  process.once("exit", () => cluster.abandon());
  const cells: Cell[] = [];
  const versions = new Map<string, string>();
  try {
    await cluster.start();
    for (const client of selection.clients) {
      const result = await tried(client, cluster, featuresOf(client, selection));
      versions.set(client.name, result.version);
      cells.push(...result.cells);
    }
  } finally {
    await cluster.dispose();
  }
  const lost = lostIn(selection, cells);
  if (selection.isWhole && lost.length === 0) writePage({ clients, versions, cells });
  return concluded(selection, cells, lost);
}

/** What worked in the committed page, was asked now, and does not work any more. */
function lostIn({ isWhole }: Selection, cells: readonly Cell[]): readonly string[] {
  const lost = lostSince(readFileSync(pageFile, "utf8"), cells);
  const asked = new Set(cells.map(keyOf));
  const mine = isWhole ? lost : lost.filter((key) => asked.has(key));
  for (const cell of mine) process.stdout.write(`LOST    ${cell}: the committed page says that it works\n`);
  return mine;
}

function writePage(results: Results): void {
  for (const { name, why } of unavailable) process.stdout.write(`not run ${name}: ${why}\n`);
  writeFileSync(pageFile, page(results));
}

/** The closing lines; the exit code. Nothing that ran is no success. */
function concluded({ mustAllWork }: Selection, cells: readonly Cell[], lost: readonly string[]): number {
  const count = (outcome: Cell["outcome"]): number => cells.filter((cell) => cell.outcome === outcome).length;
  process.stdout.write(`${count("absent")} absent from their client, ${count("notRun")} not to be had here\n`);
  const failed = mustAllWork ? cells.length - count("works") : count("failed");
  process.stdout.write(`conformance: ${count("works")} passed, ${failed} failed\n`);
  return failed + lost.length === 0 && count("works") > 0 ? 0 : 1;
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
