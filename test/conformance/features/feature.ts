import type { Cluster } from "../cluster.ts";
import type { Driver } from "../driver.ts";
import type { Command } from "../program.ts";

/** What a cell works with: a topic of its own name, and a group of the same. */
export interface Bench {
  readonly cluster: Cluster;
  readonly driver: Driver;
  /** How the client's program is started: for what a driver has no verb for. */
  readonly command: Command;
  readonly topic: string;
}

/** A thing that is asked of every client. `run` throws what is wrong. */
export interface Feature {
  readonly name: string;
  /** What is done and what must hold, for docs/compatibility.md. */
  readonly what: string;
  run(bench: Bench): Promise<void>;
}

/** `PREFIX-0`, `PREFIX-1`, …: `count` of them. */
export const valuesOf = (prefix: string, count: number): string[] =>
  Array.from({ length: count }, (_, n) => `${prefix}-${n}`);

/** Throws where `found` and `wanted` part. */
export function mustBe(what: string, found: readonly unknown[], wanted: readonly unknown[]): void {
  const at = wanted.findIndex((value, index) => value !== found[index]);
  if (at === -1 && found.length === wanted.length) return;
  const place = at === -1 ? wanted.length : at;
  throw new Error(
    `${what}: ${found.length} instead of ${wanted.length}, and ${found[place]} where ${wanted[place]} has to be`,
  );
}
