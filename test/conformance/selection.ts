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
}

/** What the arguments ask for, or one line about what is wrong with them. */
export function selectionOf(args: readonly string[], clients: readonly Client[]): Selection | string {
  const options = { clients: { type: "string" }, features: { type: "string" } } as const;
  let values: { clients?: string; features?: string };
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    return oneLine(Error.isError(error) ? error.message : String(error));
  }
  const names = clients.map(({ name }) => name);
  const known = [...new Set(clients.flatMap((client) => client.features.map(({ name }) => name)))];
  const wanted = values.clients?.split(",") ?? names;
  const features = values.features?.split(",") ?? null;
  const client = wanted.find((name) => !names.includes(name));
  if (client !== undefined) return `no client is called ${client}; there are ${names.join(",")}`;
  const feature = features?.find((name) => !known.includes(name));
  if (feature !== undefined) return `no feature is called ${feature}; there are ${known.join(",")}`;
  const isWhole = values.clients === undefined && features === null;
  return { clients: clients.filter(({ name }) => wanted.includes(name)), features, isWhole };
}

/** What is asked of one client. */
export const featuresOf = (client: Client, { features }: Selection): readonly Feature[] =>
  client.features.filter(({ name }) => features?.includes(name) ?? true);
