import path from "node:path";
import type { Client } from "../client.ts";
import { root } from "../jars.ts";
import type { Row } from "../report.ts";
import { summarise } from "../statistics.ts";
import type { Running, StartOptions, System } from "../system.ts";

/** How long and how often; a quick bench shows that everything works, not what is true. */
export interface Extent {
  readonly runs: number;
  readonly windowMs: number;
  /** Length of a run that warms up, and of the one that begins with the first process. */
  readonly warmUpWindowMs: number;
  readonly clientWarmUpMs: number;
  /** Most runs before the measured ones while the system still changes by 10 % from run to run. */
  readonly warmUpRunsMax: number;
  readonly backlogRecords: number;
}

export interface Context {
  readonly systems: readonly System[];
  readonly client: Client;
  readonly extent: Extent;
}

/** A system that runs. */
export interface Pair {
  readonly system: System;
  readonly running: Running;
}

/** Figures of each system by its name, one for each run. */
export type Figures = Partial<Record<System["name"], number[]>>;

export function note(figures: Figures, name: System["name"], value: number): void {
  const values = figures[name] ?? [];
  values.push(value);
  figures[name] = values;
}

/** A row of the table from what was noted. */
export function row(figures: Figures, about: Omit<Row, "tidemark" | "kafka">): Row {
  const of = (name: System["name"]) => {
    const values = figures[name];
    return values === undefined || values.length === 0 ? undefined : summarise(values);
  };
  return { ...about, tidemark: of("Tidemark"), kafka: of("Apache Kafka") };
}

export function say(text: string): void {
  console.log(`${new Date().toISOString().slice(11, 19)}  ${text}`);
}

/** Where a system keeps its data during the bench; removed when it stops. */
export const folderOf = (system: System): string =>
  path.join(root, ".cache", "bench", system.name.toLowerCase().replaceAll(" ", "-"));

/** Starts a system, uses it, stops it whatever happens. */
export async function withSystem<T>(
  system: System,
  options: StartOptions,
  use: (running: Running) => Promise<T>,
): Promise<T> {
  const running = await system.start(folderOf(system), options);
  try {
    return await use(running);
  } finally {
    await running.stop();
  }
}

/** Starts all systems, each with its data folder, uses them, and stops them whatever happens. */
export async function withPairs<T>(
  context: Context,
  options: StartOptions,
  use: (pairs: readonly Pair[]) => Promise<T>,
): Promise<T> {
  const pairs: Pair[] = [];
  try {
    for (const system of context.systems)
      pairs.push({ system, running: await system.start(folderOf(system), options) });
    return await use(pairs);
  } finally {
    for (const { running } of pairs) await running.stop();
  }
}
