/**
 * What one test of one client came to. `works`: it ran in this run and passed. `absent`: the client has no such thing,
 * and `why` says so. `failed`: it ran and did not pass. `notRun`: the client cannot be had on this machine.
 */
export type Outcome = "works" | "absent" | "failed" | "notRun";

export interface Cell {
  readonly client: string;
  readonly feature: string;
  readonly outcome: Outcome;
  /** One line; empty when it works. */
  readonly why: string;
}

/** One line out of an error or of what a program printed: the first `limit` characters, without line ends. */
export const oneLine = (text: string, limit = 300): string => text.replace(/\s+/g, " ").trim().slice(0, limit);

/** A name under which no earlier cell of this run has left anything: topics and groups of one cell. */
export const nameOf = (client: string, feature: string): string =>
  `${client}.${feature}`
    .toLowerCase()
    .replace(/[^a-z0-9.]+/g, "-")
    .replace(/^-/, "");
