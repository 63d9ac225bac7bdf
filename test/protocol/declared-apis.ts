import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Api } from "../../broker/wire/api.ts";

const folder = join(import.meta.dirname, "../../broker/wire/apis");

const isApi = (value: unknown): value is Api => typeof value === "object" && value !== null && "readRequest" in value;

/** Every API key that is declared, by key. Found by looking, so that none is forgotten. */
export async function declaredApis(): Promise<Api[]> {
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"));
  const modules = await Promise.all(
    files.map((name) => import(join(folder, name)) as Promise<Record<string, unknown>>),
  );
  const apis = modules.flatMap((module) => Object.values(module).filter(isApi));
  if (apis.length !== files.length) throw new Error(`${files.length} files in ${folder} declare ${apis.length} APIs`);
  return apis.sort((left, right) => left.key - right.key);
}

/** The versions that an API declares, lowest first. */
export const versionsOf = ({ versions }: Api): number[] =>
  Array.from({ length: versions.max - versions.min + 1 }, (_, index) => versions.min + index);
