import { parseArgs } from "node:util";
import { oneLine } from "./cell.ts";
import type { Client } from "./client.ts";
import type { Feature } from "./features/feature.ts";

/** What of the matrix is run. */
export interface Selection {
  readonly clients: readonly Client[];
  /** Null: all of each client. */
  readonly features: readonly string[] | null;
  /** Whether nothing is left out, so that the page can be written. */
  readonly isWhole: boolean;
  /** Whether every cell has to work: then one that the client lacks, or that cannot be had, is a failure, too. */
  readonly mustAllWork: boolean;
}

/** What CI runs: the clients that take the least to install, and what each of them has. */
const ofCi: { readonly clients: readonly string[]; readonly features: readonly string[] } = {
  clients: ["kafkajs", "confluent-kafka-python", "@platformatic/kafka", "franz-go"],
  features: ["gzip", "idempotent", "commits", "compacted topic", "admin", "leader killed"],
};

/** What the arguments ask for, or one line about what is wrong with them. */
export function selectionOf(args: readonly string[], clients: readonly Client[]): Selection | string {
  const options = { clients: { type: "string" }, features: { type: "string" }, ci: { type: "boolean" } } as const;
  let values: { clients?: string; features?: string; ci?: boolean };
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    return oneLine(Error.isError(error) ? error.message : String(error));
  }
  const { ci: mustAllWork = false } = values;
  if (mustAllWork && (values.clients ?? values.features) !== undefined)
    return "--ci says by itself which cells are run";
  const names = clients.map(({ name }) => name);
  const known = [...new Set(clients.flatMap((client) => client.features.map(({ name }) => name)))];
  const wanted = mustAllWork ? ofCi.clients : (values.clients?.split(",") ?? names);
  const features = mustAllWork ? ofCi.features : (values.features?.split(",") ?? null);
  const unknown = wanted.find((name) => !names.includes(name));
  if (unknown !== undefined) return `no client is called ${unknown}; there are ${names.join(",")}`;
  const feature = features?.find((name) => !known.includes(name));
  if (feature !== undefined) return `no feature is called ${feature}; there are ${known.join(",")}`;
  const chosen = clients.filter(({ name }) => wanted.includes(name));
  const idle = chosen.find((client) => !client.features.some(({ name }) => features?.includes(name) ?? true));
  if (idle !== undefined && values.clients !== undefined) return `${idle.name} is asked none of these features`;
  const isWhole = wanted === names && features === null;
  return { clients: chosen, features, isWhole, mustAllWork };
}

/** What is asked of one client. */
export const featuresOf = (client: Client, { features }: Selection): readonly Feature[] =>
  client.features.filter(({ name }) => features?.includes(name) ?? true);
