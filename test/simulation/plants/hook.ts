import { registerHooks } from "node:module";
import { plants } from "./plants.ts";

/**
 * Plants a bug: from now on one module of the rooms is replaced by one that differs from it in one function. The
 * planted module reaches the original by the query `?original`.
 */
export function plant(name: string): void {
  const planted = plants.find((one) => one.name === name);
  if (planted === undefined) {
    throw new Error(`no plant ${name}; there are ${plants.map((one) => one.name).join(", ")}`);
  }
  const target = new URL(`../../../${planted.replaces}`, import.meta.url).href;
  const replacement = new URL(`./${planted.name}.ts`, import.meta.url).href;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      const isWanted = resolved.url === target && context.parentURL !== replacement;
      return isWanted ? { ...resolved, url: replacement } : resolved;
    },
  });
}
